"""docs/reference/api.md and the pages beside it have every endpoint and every error code; test_pages.py runs them."""

import re
from pathlib import Path

import pytest
from openapi_document import DOCUMENT

from domain import errors
from domain.errors import ProposalError

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
FOR_ALL = (REFERENCE / "api.md").read_text()
PAGES = [page.read_text() for page in sorted((REFERENCE / "api").glob("*.md"))]
SECTIONS = {section.split("\n", 1)[0]: section for page in PAGES for section in page.split("\n### ")[1:]}
ENDPOINTS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
DOCUMENTED_FOR_ALL = {
    *("PROPOSAL_POSTGRES_CONNECTION_FAILED", "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED"),
    *("PROPOSAL_SUPPORT_APIS_DISABLED", "PROPOSAL_ASYNC_OPERATIONS_DISABLED"),
    *("UNAUTHENTICATED", "INSUFFICIENT_SCOPE", "ACTOR_MISMATCH", "AUTHENTICATION_UNAVAILABLE"),
    *("TOO_MANY_OPEN_OPERATIONS", "SERVER_BUSY", "VALIDATION_FAILED", "CORRELATION_ID_INVALID"),
}
CODE = re.compile(r"`([A-Z][A-Z_]+)[`:]")


@pytest.mark.parametrize(("name", "operation"), ENDPOINTS, ids=[name for name, _ in ENDPOINTS])
def test_every_endpoint_has_its_section_with_a_command_and_its_errors(name, operation):
    section = SECTIONS[operation["summary"]]
    assert f"`{name}`" in section
    assert re.search(r"```sh\n[^`]*curl [^`]*```\n\n```(json|text)\n", section), "a request with its answer"
    path = name.partition(" ")[2]
    variables = {"/rebalance/proposals": r"\$PROPOSALS", "/health": r"\$PROPOSALS_URL/health"}
    prefix = next(known for known in variables if path.startswith(known))
    called = variables[prefix] + re.sub(r"\{\w+\}", r"[\\w$%-]+", path.removeprefix(prefix)) + r"[\s?\"]"
    assert re.search(called, section), called
    refers = "Errors as for" in section
    for response in operation["responses"].values():
        for code in set(CODE.findall(response["description"])) - DOCUMENTED_FOR_ALL:
            assert refers or code in section, code


def test_no_section_is_of_an_endpoint_that_is_gone():
    assert set(SECTIONS) == {operation["summary"] for _, operation in ENDPOINTS}


def test_what_holds_for_all_is_said_before_the_sections():
    assert set(CODE.findall(FOR_ALL)) >= DOCUMENTED_FOR_ALL


def test_every_code_of_the_domain_is_there():
    codes = {
        value.code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, ProposalError) and "code" in vars(value)
    }
    assert codes <= set(CODE.findall("".join([FOR_ALL, *PAGES])))
