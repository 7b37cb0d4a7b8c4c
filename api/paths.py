"""The paths of resources that responses name, relative to this server."""

from typing import Final

from domain.callback import OPERATIONS_PATH

PREFIX: Final = OPERATIONS_PATH.removesuffix("/operations")


def proposal_path(proposal_id: str) -> str:
    return f"{PREFIX}/{proposal_id}"


def artifact_path(proposal_id: str, version_no: int) -> str:
    return f"{proposal_path(proposal_id)}/versions/{version_no}/artifact"


def operation_path(operation_id: str) -> str:
    return f"{OPERATIONS_PATH}/{operation_id}"


def callbacks_path(operation_id: str) -> str:
    return f"{operation_path(operation_id)}/callbacks"
