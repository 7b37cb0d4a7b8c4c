"""The paths of resources that responses name, relative to this server."""

from typing import Final

from domain.public_links import PROPOSALS_PATH, operation_path, proposal_path

__all__ = ["PREFIX", "artifact_path", "callbacks_path", "operation_path", "proposal_path"]

PREFIX: Final = PROPOSALS_PATH


def artifact_path(proposal_id: str, version_no: int) -> str:
    return f"{proposal_path(proposal_id)}/versions/{version_no}/artifact"


def callbacks_path(operation_id: str) -> str:
    return f"{operation_path(operation_id)}/callbacks"
