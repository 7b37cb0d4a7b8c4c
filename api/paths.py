"""The paths of resources that responses name, relative to this server."""

from typing import Final

from domain.public_links import PROPOSALS_PATH, artifact_path, operation_path, proposal_path

__all__ = ["PREFIX", "artifact_path", "callbacks_path", "operation_path", "proposal_path"]

PREFIX: Final = PROPOSALS_PATH


def callbacks_path(operation_id: str) -> str:
    return f"{operation_path(operation_id)}/callbacks"
