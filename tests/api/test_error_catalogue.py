"""The catalogue has an entry for every code that a client can see, and no other; its page shows each (R34)."""

import ast
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from api.http import http_errors
from api.http.error_catalogue import CATALOGUE, STATUS
from api.http.http_errors import HTTP_ERRORS
from api.pages.error_page import by_status, error_page, failures
from domain.error_help import HELP, Repeat
from domain.errors import error_classes

ROOT = Path(__file__).parents[2]
SOURCES = [path for package in ("api", "cli", "services") for path in (ROOT / package).rglob("*.py")]
BY_NAME = {name: value for name, value in vars(http_errors).items() if isinstance(value, str)}
# Starlette's routing and files raise these, and `api.http.problems` writes their phrase as the code.
BY_PHRASE = {(404, "NOT_FOUND"), (405, "METHOD_NOT_ALLOWED")}
OF_BUILDERS = {(422, "VALIDATION_FAILED"), (500, "INTERNAL_SERVER_ERROR")}
DOMAIN = [error for error in error_classes() if error.__module__ == "domain.errors"]


def refused() -> set[tuple[int, str]]:
    """Status and code of every RequestRefused that the sources make."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "RequestRefused":
                code = node.args[0]
                named = code.value if isinstance(code, ast.Constant) else BY_NAME[getattr(code, "id", "")]
                found.add((HTTP_ERRORS[named].status.value, named))
    return found


def test_every_code_has_an_entry_with_its_statuses_and_every_entry_a_code():
    of_domain = {(STATUS[error.kind].value, error.code) for error in DOMAIN}
    raised = of_domain | refused() | BY_PHRASE | OF_BUILDERS
    assert len(refused()) > 8
    assert {(status, entry.code) for entry in CATALOGUE.values() for status in entry.statuses} == raised


def test_no_code_is_of_both_tables():
    assert set(HELP) == {error.code for error in DOMAIN}
    assert set(HELP).isdisjoint(HTTP_ERRORS)


def test_titles_are_sentences_and_no_two_codes_share_one():
    for code, entry in CATALOGUE.items():
        for text in (entry.help.title, entry.help.meaning, entry.help.action):
            assert text.endswith("."), (code, text)
            assert text.count("`") % 2 == 0, (code, text)
        assert ". " not in entry.help.title, code
    assert len({entry.help.title for entry in CATALOGUE.values()}) == len(CATALOGUE)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_only_what_may_pass_by_itself_is_retryable(code):
    passing = {408, 429, 500, 503, 504}
    assert CATALOGUE[code].help.repeat.is_automatic is bool(passing & set(CATALOGUE[code].statuses))


def test_every_word_about_repeating_is_used():
    assert {entry.help.repeat for entry in CATALOGUE.values()} == set(Repeat)


def test_the_codes_of_failed_operations_are_those_of_the_contract():
    assert {(entry.code, *entry.wire_classes) for entry in failures()} == {
        ("PROPOSAL_NOT_FOUND", "ProposalNotFoundError"),
        ("VERSION_CONFLICT", "ProposalStateConflictError"),
        *(
            (code, "ProposalValidationError")
            for code in ("PROPOSAL_SIMULATION_DISABLED", "PROPOSAL_TERMINAL_STATE", "PORTFOLIO_CONTEXT_MISMATCH")
        ),
        ("OPERATION_TOO_EXPENSIVE", "ProposalValidationError"),
        ("ANALYSIS_ALL_RUNS_FAILED", "ProposalValidationError"),
        ("OPERATION_CANCELLED", "ProposalOperationCancelledError"),
        ("OPERATION_TERMINATED", "ProposalOperationTerminatedError"),
        ("OPERATION_TIMED_OUT", "ProposalOperationTimedOutError"),
        ("OPERATION_INTERNAL_ERROR", "ProposalInternalError"),
    }


def test_a_code_with_two_statuses_is_found_under_both():
    for status in (404, 422):
        assert "PROPOSAL_VERSION_NOT_FOUND" in {entry.code for entry in by_status()[status]}


def test_the_page_has_each_code_as_an_anchor_with_all_that_is_said_of_it():
    page = error_page()
    for code, entry in CATALOGUE.items():
        section = page.split(f'<section id="{code}"')[1].split("</section>")[0]
        statuses = ", ".join(map(str, entry.statuses))
        for text in (entry.help.title, entry.help.meaning, entry.help.action, entry.help.repeat.value, statuses):
            for words in text.split("`"):
                assert words.replace("'", "&#39;") in section, (code, words)
        assert page.count(f'href="#{code}"') == len(entry.statuses) + bool(entry.wire_classes)


async def test_the_page_is_served_to_everyone_and_runs_nothing(secured):
    answer = await secured.http.get("/docs/errors")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.text == error_page()
    assert "//" not in answer.text.replace("</", "")
    assert (await secured.http.head("/docs/errors")).status_code == 200


async def test_an_http_error_without_a_code_is_a_bug(api, monkeypatch):
    async def fails(*_, **__):
        raise HTTPException(418)

    monkeypatch.setattr("services.lookup.LookupService.operation", fails)
    answer = await api.get("/operations/pop_0")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_SERVER_ERROR")
