"""docs/reference/limits.md: each number is the one in the code, or the default of the setting beside it."""

import re
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from annotated_types import Ge, Le
from fastapi.params import Query
from page_tables import page_of, plain, rows
from pydantic import BaseModel

from activities.host_slots import SLOTS_OF_A_HOST
from api.http import body, headers, json, limits, tokens
from api.http.parameters import Paging
from api.reviews import MAX_FREE_BYTES
from api.runs import RunQuery
from cli import http_protocol
from domain import callback_headers, callback_retries, callback_url, decimals, request_size, row_errors, text
from domain.batch import chunks, parts, request
from domain.request import MAX_VERSION_NO, ProposalMetadata
from runtime.database import SLOT_WAIT_SECONDS
from runtime.settings import Settings, variable_name
from services.callback_sender import ATTEMPT_SECONDS
from services.callback_transport import MAX_ANSWER_BYTES
from storage.correlation_ids import MAX_OF_OPERATION
from worker.process import CONCURRENT_CALLBACKS
from workflows.identity import MAX_ATTRIBUTE_LENGTH
from workflows.policies import COMPUTE, EXECUTION_TIMEOUT, NORMAL

PAGE = page_of("reference/limits.md")
SETTINGS = Settings()
LETTERS = "A-Z a-z 0-9 . _ : / + = -"


def kib(count: int) -> str:
    return f"{count // 1024} KiB"


def mib(count: int) -> str:
    return f"{count // 1024**2} MiB"


def seconds(count: float) -> str:
    return f"{count:.0f} s"


def hours(time: timedelta) -> str:
    return f"{time // timedelta(hours=1)} h"


def bounds(parameters: type, name: str) -> str:
    """Of a parameter of a query: its bounds and its default."""
    [query] = [found for found in parameters.__annotations__[name].__metadata__ if isinstance(found, Query)]
    [low] = [bound.ge for bound in query.metadata if isinstance(bound, Ge)]
    [high] = [bound.le for bound in query.metadata if isinstance(bound, Le)]
    [default] = [field.default for field in fields(parameters) if field.name == name]
    return f"{low} to {high}, {default} by default"


def length(model: type[BaseModel], field: str) -> int:
    schema = model.model_json_schema()["properties"][field]
    [found] = [kind["maxLength"] for kind in schema["anyOf"] if "maxLength" in kind]
    return found


def of_pattern(pattern: str, characters: str) -> str:
    low, high = re.search(r"\{(\d+),(\d+)\}", pattern).groups()
    return f"{low} to {high} of {characters}"


def pattern_of(alias: Any) -> str:
    return alias.__metadata__[0].pattern


MAX_CHARACTERS = f"{text.MAX_IDENTIFIER_LENGTH} characters"
WAITS = f"the next waits for {body.SLOT_WAIT_SECONDS:.0f} s"
EXPECTED = {
    "Idempotency-Key": of_pattern(headers.VISIBLE_ASCII.pattern, "visible ASCII characters").replace(" of", ""),
    "X-Correlation-Id": of_pattern(headers.CORRELATION_ID.pattern, LETTERS),
    "bearer token": f"{tokens.MAX_TOKEN_LENGTH:,} characters",
    "wait, in a query or in Prefer": seconds(headers.MAX_WAIT_SECONDS),
    "limit of a list": bounds(Paging, "limit"),
    "limit of the runs of a batch": bounds(RunQuery, "limit"),
    "head, chunk sizes and trailers of a request": f"{kib(http_protocol.MAX_FRAMING_BYTES)} together",
    "header fields of a request": f"{http_protocol.MAX_FIELDS}",
    "time for a request's head": seconds(http_protocol.HEAD_SECONDS),
    "requests on one connection that wait for an earlier one": f"{http_protocol.MAX_PIPELINED}",
    "size of a body": mib(SETTINGS.max_body_bytes),
    "time for a body": seconds(body.RECEIVE_SECONDS),
    "pace of a body": f"{body.PACE_BYTES:,} bytes in every {body.PACE_SECONDS:.0f} s",
    "nesting of JSON": f"{json.MAX_DEPTH} levels",
    "integers outside decimals": f"{json.MAX_INTEGER_DIGITS} digits",
    "decimals": f"{decimals.MAX_WHOLE_DIGITS} digits before the point, {decimals.MAX_DECIMAL_PLACES} after it",
    "errors that a response lists": f"about {row_errors.MAX_ERRORS:,}",
    "ids of persons, portfolios and instruments": f"1 to {MAX_CHARACTERS}, one of them visible",
    "ids of snapshots, issuers, mandates, jurisdictions": MAX_CHARACTERS,
    "title": f"{length(ProposalMetadata, 'title')} characters",
    "advisor_notes": f"{length(ProposalMetadata, 'advisor_notes'):,} characters",
    "description of a batch, item or scenario": f"{parts.Description.__metadata__[0].max_length} characters",
    "reason and details of reviews": f"{kib(MAX_FREE_BYTES)} of JSON",
    "version numbers": f"1 to {MAX_VERSION_NO:,}",
    "url of a callback": f"{callback_url.MAX_URL_LENGTH:,} characters",
    "headers of a callback": (
        f"{callback_headers.MAX_HEADERS}, names of {callback_headers.MAX_NAME_LENGTH} "
        f"and values of {callback_headers.MAX_VALUE_LENGTH:,} characters"
    ),
    "rows of a request": f"{SETTINGS.max_request_rows:,}",
    "different currencies": f"{request_size.MAX_CURRENCIES}",
    "attributes of a shelf entry": f"{request_size.MAX_ATTRIBUTES}",
    "rows that are computed in the worker itself": f"{SETTINGS.large_request_rows:,}",
    "time of a computation": f"{SETTINGS.compute_seconds} s, twice",
    "memory of a computation": f"{SETTINGS.compute_memory_mb:,} MiB, twice",
    "runs, items times scenarios": f"{SETTINGS.max_batch_runs:,}",
    "scenarios": f"{request.MAX_SCENARIOS}",
    "rows of all runs together": f"{SETTINGS.max_batch_rows:,}",
    "id of an item": of_pattern(pattern_of(parts.ItemId), LETTERS),
    "name of a scenario": of_pattern(pattern_of(parts.ScenarioName), "a-z 0-9 _ -"),
    "errors that are listed of a malformed item": f"{parts.MAX_LISTED}",
    "a chunk, which is computed and committed as one": (
        f"{chunks.MAX_RUNS} runs or {chunks.MAX_ROWS:,} rows, one item at least"
    ),
    "open operations of all callers": f"{SETTINGS.max_open_operations:,}",
    "open operations of one OAuth client": "no other limit" if SETTINGS.max_open_operations_per_client == 0 else "",
    "open batches": f"{SETTINGS.max_open_batches}",
    "workflows in Temporal at a time": f"{SETTINGS.max_started_operations}",
    "wait of a synchronous create": seconds(SETTINGS.sync_wait_seconds),
    "wait of a step for PostgreSQL or a worker": hours(NORMAL["schedule_to_close_timeout"]),
    "life of a workflow": hours(EXECUTION_TIMEOUT),
    "correlation ids under which an operation is found": f"its own and the newest {MAX_OF_OPERATION}",
    "operation after its end": f"{SETTINGS.operation_retention_days} days",
    "idempotency key after its operation's end": f"{SETTINGS.idempotency_retention_days} days",
    "time of an attempt, from the name to the answer": seconds(ATTEMPT_SECONDS),
    "answer of a receiver": kib(MAX_ANSWER_BYTES),
    "attempts in a round": f"{callback_retries.MAX_TRIES}",
    "Retry-After of a receiver": hours(callback_retries.MAX_RETRY_AFTER),
    "redeliveries": "one a minute" if timedelta(minutes=1) == callback_retries.REDELIVERY_PAUSE else "",
    "attempts at a time, a worker": f"{CONCURRENT_CALLBACKS}",
    "attempts at a time, to one host, a worker": f"{SLOTS_OF_A_HOST}",
    "bodies that are received or wait to be read": mib(limits.MAX_UNREAD_BYTES),
    f"of that, kept for bodies up to {kib(limits.LARGE_BODY_BYTES)}": mib(limits.ROOM_FOR_SMALL_BYTES),
    "of that, for one OAuth client": mib(limits.MAX_UNREAD_BYTES // 2),
    f"bodies over {kib(limits.LARGE_BODY_BYTES)}, and batches over {kib(body.AT_ONCE_BYTES)}, being read": (
        f"{body.READ_AT_ONCE}, {WAITS}"
    ),
    "requests of one sender with one key": f"{limits.AT_ONCE}",
    "large simulations being computed": f"{SETTINGS.engine_processes}, {WAITS}",
    f"documents of answers over {kib(limits.LARGE_BODY_BYTES)}": (
        f"{mib(limits.MAX_ANSWER_BYTES)}, the next waits for {limits.ANSWER_WAIT_SECONDS:.0f} s"
    ),
    "an answer that the caller does not read": seconds(http_protocol.STALLED_SECONDS),
    "wait for a connection to PostgreSQL": seconds(SLOT_WAIT_SECONDS),
}


def test_every_limit_is_the_codes():
    assert {plain(what): plain(limit) for what, limit, _, _ in rows(PAGE)} == EXPECTED


def test_every_setting_of_the_page_exists():
    named = {plain(setting) for _, _, setting, _ in rows(PAGE)} - {""}
    assert named <= {variable_name(field) for field in Settings.model_fields}


LIMITING = [
    variable_name(field)
    for field in Settings.model_fields
    if field.startswith(("max_", "compute_")) or field.endswith("_retention_days")
]


@pytest.mark.parametrize("variable", LIMITING)
def test_every_setting_that_limits_is_on_the_page(variable):
    assert f"`{variable}`" in PAGE


def test_what_is_cut_in_temporal():
    assert f"longer than {MAX_ATTRIBUTE_LENGTH} characters are cut" in PAGE


def test_every_step_of_an_operation_waits_as_long():
    assert COMPUTE["schedule_to_close_timeout"] == NORMAL["schedule_to_close_timeout"]
