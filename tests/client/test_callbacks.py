"""One call verifies and reads a callback; what is not from the service, or not from now, is refused."""

import base64
import time
from datetime import UTC, datetime

import pytest
from proposals_client import CallbackRefused, InvalidArgument, verify_callback
from standardwebhooks.webhooks import Webhook

SECRET, OTHER = (f"whsec_{base64.b64encode(name * 4).decode()}" for name in (b"callback", b"anothers"))
BODY = (
    b'{"type":"proposal.operation.succeeded","timestamp":"2026-02-22T12:00:00.000000+00:00","data":{"operation_id":"pop_1",'
    b'"operation_type":"CREATE_PROPOSAL","status":"SUCCEEDED","correlation_id":"crm/1","proposal_id":"pp_1",'
    b'"version_no":1,"error":null,"status_url":"/rebalance/proposals/operations/pop_1"}}'
)


def signed(body=BODY, *, secrets=(SECRET,), at=None, name=str):
    at = datetime.fromtimestamp(int(at or time.time()), UTC)
    signatures = " ".join(Webhook(secret).sign("msg_1", at, body.decode()) for secret in secrets)
    given = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signatures}
    return {name(header): value for header, value in given.items()}


def test_what_the_standards_own_library_signs_is_verified():
    for name in (str, str.title, str.upper):
        event = verify_callback(SECRET, signed(name=name), BODY)
    assert (event.webhook_id, event.type, event.is_success) == ("msg_1", "proposal.operation.succeeded", True)
    assert (event.operation_id, event.proposal_id) == ("pop_1", "pp_1")
    assert event.model().data.correlation_id == "crm/1"


def test_while_secrets_rotate_one_of_several_is_enough():
    assert verify_callback([OTHER, SECRET], signed(), BODY)
    assert verify_callback(f"{OTHER} {SECRET}", signed(), BODY)
    assert verify_callback(SECRET, signed(secrets=(OTHER, SECRET)), BODY)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (lambda: signed(secrets=(OTHER,)), BODY),
        (signed, BODY.replace(b"pp_1", b"pp_2")),
        (lambda: signed() | {"webhook-id": "msg_2"}, BODY),
        (lambda: signed() | {"webhook-timestamp": str(int(time.time()) - 100)}, BODY),
        (lambda: signed(at=time.time() - 1000), BODY),
        (lambda: signed(at=time.time() + 1000), BODY),
        (lambda: signed() | {"webhook-timestamp": "²"}, BODY),
        (lambda: signed() | {"webhook-signature": "v2,AAAA ü"}, BODY),
        (dict, BODY),
        (lambda: signed(b"[]"), b"[]"),
        (lambda: signed(b"{}"), b"{}"),
        (lambda: signed(b"no JSON"), b"no JSON"),
    ],
)
def test_anything_else_is_refused(headers, body):
    """Signed here: minutes lie between the collection of the tests and this one, and signatures are good for some."""
    given = headers()
    with pytest.raises(CallbackRefused):
        verify_callback(SECRET, given, body)


@pytest.mark.parametrize("secret", ["", [], "whsec_", "whsec_ü", "whsec_a", [SECRET, ""]])
def test_without_a_secret_nothing_is_verified(secret):
    with pytest.raises(InvalidArgument):
        verify_callback(secret, signed(), BODY)
