"""Paths of this service, and the links to them that leave it: absolute below PROPOSAL_PUBLIC_URL (R40)."""

from typing import Final

GUARDED_PREFIX: Final = "/rebalance/"  # of every path that asks who calls
PROPOSALS_PATH: Final = f"{GUARDED_PREFIX}proposals"
OPERATIONS_PATH: Final = f"{PROPOSALS_PATH}/operations"
ERRORS_PATH: Final = "/docs/errors"


def operation_path(operation_id: str) -> str:
    return f"{OPERATIONS_PATH}/{operation_id}"


def runs_path(operation_id: str) -> str:
    """The runs of a batch."""
    return f"{operation_path(operation_id)}/runs"


def callbacks_path(operation_id: str) -> str:
    """The state of an operation's callback."""
    return f"{operation_path(operation_id)}/callbacks"


def proposal_path(proposal_id: str) -> str:
    return f"{PROPOSALS_PATH}/{proposal_id}"


def artifact_path(proposal_id: str, version_no: int) -> str:
    """The artifact of a version: a page in a browser."""
    return f"{proposal_path(proposal_id)}/versions/{version_no}/artifact"


def error_path(code: str) -> str:
    """The place of a code on the page of errors."""
    return f"{ERRORS_PATH}#{code}"


def linked(path: str, *, public_url: str | None) -> str:
    """The address for a reader who has no address of this service: absolute, or the path where none is configured."""
    return path if public_url is None else f"{public_url}{path}"


def markdown_link(text: str, path: str, *, public_url: str | None) -> str:
    """The text as a link; without a public address a link would lead nowhere, and the text stays as it is."""
    return text if public_url is None else f"[{text}]({public_url}{path})"
