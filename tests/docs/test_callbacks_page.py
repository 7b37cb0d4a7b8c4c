"""docs/reference/callbacks.md: its message verifies, and its tables are the code's."""

import base64
import hashlib
import hmac
import json
import re
from datetime import timedelta

from page_tables import first_codes, page_of, plain, rows, section

from api.callbacks import CallbackData, CallbackMessage, CallbackType
from api.requests import CallbackRequest
from domain.callback_headers import RESERVED, RESERVED_BEGINNINGS
from domain.callback_retries import DELAYS, MAX_TRIES, AttemptError
from domain.callback_url import UrlRule
from domain.errors import SimulationDisabled
from domain.operation import OperationType
from services.callback_sender import USER_AGENT

PAGE = page_of("reference/callbacks.md")
REQUEST, SIGNATURE, SCHEDULE = (section(PAGE, name) for name in ("The request", "Signature", "Schedule"))
SHOWN = re.findall(r"```json\n(.*?)```", REQUEST, re.DOTALL)
SAMPLE = {plain(name).partition(",")[0]: value.strip("`") for name, value in rows(SIGNATURE)}


def test_the_sample_verifies_with_the_secret_beside_it():
    key = base64.b64decode(SAMPLE["secret"].removeprefix("whsec_"))
    signed = f"{SAMPLE['webhook-id']}.{SAMPLE['webhook-timestamp']}.{SAMPLE['body']}".encode()
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert SAMPLE["webhook-signature"] == f"v1,{expected}"


def test_the_sample_is_the_request_that_is_shown():
    assert json.loads(SHOWN[0]) == json.loads(SAMPLE["body"])
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        assert f"\n{name}: {SAMPLE[name]}\n" in REQUEST
    CallbackMessage.model_validate_json(SAMPLE["body"])


def test_the_callback_of_a_failed_operation_is_one():
    failed = CallbackMessage.model_validate_json(SHOWN[1])
    assert json.loads(failed.model_dump_json(exclude_unset=True)) == json.loads(SHOWN[1])
    assert (failed.type, failed.data.status) == ("proposal.operation.failed", "FAILED")
    assert failed.data.error.problem == SimulationDisabled.code


def test_every_member_of_the_message_is_explained():
    sent, members = [table for table in REQUEST.split("\n\n") if table.startswith("|")]
    signed = ["webhook-id", "webhook-timestamp", "webhook-signature"]
    assert first_codes(sent) == [*signed, "Content-Type", "User-Agent"]
    assert first_codes(members) == [
        name for name in (*CallbackMessage.model_fields, *CallbackData.model_fields) if name != "data"
    ]
    [types] = [row[1] for row in rows(members) if row[0] == "`operation_type`"]
    assert re.findall(r"`([^`]+)`", types) == list(OperationType)
    [kinds] = [row[1] for row in rows(members) if row[0] == "`type`"]
    assert re.findall(r"`([^`]+)`", kinds) == list(CallbackType.__value__.__args__)
    assert first_codes(section(PAGE, "Asking for one")) == list(CallbackRequest.model_fields)
    assert f"`{USER_AGENT.decode()}`" in REQUEST


def test_the_schedule_is_the_codes():
    units = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}
    waits = [row for row in rows(SCHEDULE) if row[0].isdigit()]
    assert [int(number) for number, _ in waits] == list(range(1, MAX_TRIES + 1))
    assert tuple(int(count) * units[unit] for count, unit in (wait.split() for _, wait in waits[1:])) == DELAYS


def test_every_error_of_an_attempt_is_explained():
    assert first_codes(section(PAGE, "Errors of an attempt")) == list(AttemptError)


def test_every_rule_for_a_url_is_there_in_the_words_of_the_refusal():
    shown = {row[0].upper().replace(" ", "_"): row[1] for row in rows(section(PAGE, "URL rules"))}
    assert shown == {rule.name: rule.value for rule in UrlRule}


def test_every_reserved_header_is_there():
    named = re.findall(r"`([^`]+)`", "".join(row[1] for row in rows(section(PAGE, "Reserved headers"))))
    whole = {name.lower() for name in named if not name.endswith("...")}
    assert whole == RESERVED
    assert {name.lower().removesuffix("...") for name in named if name.endswith("...")} == set(RESERVED_BEGINNINGS)
