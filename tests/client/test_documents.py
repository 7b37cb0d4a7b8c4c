"""Requests on their way out, answers on their way in."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from builders import a_body
from proposals_client import FloatRefused, InvalidArgument, UnexpectedAnswer, models
from proposals_client.documents import encoded
from proposals_client.model import OpenEnum
from proposals_client.reading import read_object
from pydantic import ValidationError
from scripted_service import Answer

SAMPLE = Path(__file__).parents[2] / "examples" / "create_proposal.json"
PRICE = {"instrument_id": "A", "price": "50.00", "currency": "SGD"}


def test_decimals_leave_as_texts_with_their_digits():
    document = {"amount": Decimal("1000.10"), "more": [Decimal("1E+3"), 5, "7.0", None, True]}
    assert json.loads(encoded(document)) == {"amount": "1000.10", "more": ["1E+3", 5, "7.0", None, True]}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"a": 0.1}, "/a"),
        ({"positions": [{"quantity": "1"}, {"quantity": 2.0}]}, "/positions/1/quantity"),
        ({"attributes": {"a/b~c": float("nan")}}, "/attributes/a~1b~0c"),
    ],
)
def test_a_float_is_refused_with_its_place_before_anything_is_sent(played, desk_of, document, place):
    played.answers = [Answer(202, {})]
    with pytest.raises(FloatRefused, match="is a float, which is not exact") as refused:
        desk_of(played.url).submit(document)
    assert refused.value.place == place
    assert isinstance(refused.value, TypeError)
    assert played.asked == []


def test_the_bytes_of_a_file_are_sent_as_they_are():
    assert encoded(SAMPLE.read_bytes()) == SAMPLE.read_bytes()


@pytest.mark.parametrize("document", ['{"created_by": "advisor_1"}', None, [{}]])
def test_what_is_no_document_is_refused_with_what_to_pass(document):
    with pytest.raises(InvalidArgument, match="read the file as bytes"):
        encoded(document)


def test_a_model_leaves_as_what_was_set_of_it():
    request = models.CreateProposalRequest.model_validate(a_body())
    assert json.loads(encoded(request)) == a_body()
    price = models.Price(instrument_id="A", price=Decimal("50.00"), currency="SGD")
    assert json.loads(encoded({"prices": [price]})) == {"prices": [PRICE]}


def test_a_model_takes_no_float_and_names_the_place():
    with pytest.raises(ValidationError, match="a float is not exact"):
        models.Price.model_validate(PRICE | {"price": 50.1})


def test_no_model_has_a_float():
    assert "float" not in Path(models.__file__).read_text()


def test_a_member_and_a_value_of_a_later_release_are_kept():
    body = {"proposal_id": "pp_1", "approvals": [], "added_later": {"a": 1}}
    assert read_object(models.ApprovalsResponse, body).model_dump(mode="json") == body

    class Known(OpenEnum):
        A = "A"

    assert (Known("A"), Known("NEW"), Known("NEW").name) == (Known.A, "NEW", "NEW")
    with pytest.raises(ValueError, match="5 is not"):
        Known(5)


def test_an_answer_that_does_not_fit_is_named_by_its_places_and_no_value():
    with pytest.raises(UnexpectedAnswer) as unexpected:
        read_object(models.ProposalListResponse, {"items": [{"proposal_id": ["hidden"]}], "next_cursor": None})
    assert "items.0.proposal_id" in str(unexpected.value)
    assert "hidden" not in str(unexpected.value)


@pytest.mark.parametrize(
    "url", ["proposals.example", "ftp://proposals.example", "https://", "https://a?b=c", "https://a#b"]
)
def test_what_is_no_url_of_a_service_is_refused(desk_of, url):
    with pytest.raises(InvalidArgument, match="the URL of the service"):
        desk_of(url)


def test_a_service_below_a_path_is_called_below_it(played, desk_of):
    played.answers = [Answer(200, {"items": [], "next_cursor": None})]
    desk = desk_of(f"{played.url}/gateway/")
    assert list(desk.proposals()) == []
    assert list(desk.operations(correlation_id="crm/1 ü", status=["FAILED", "PENDING"], limit=5, created_by=None)) == []
    assert [asked.path for asked in played.asked] == [
        "/gateway/rebalance/proposals",
        "/gateway/rebalance/proposals/operations?correlation_id=crm%2F1+%C3%BC&status=FAILED&status=PENDING&limit=5",
    ]


def test_ids_are_escaped_in_paths(played, desk_of):
    played.answers = [Answer(200, {"operation_id": "pop_1", "correlation_id": "a/b"})]
    desk_of(played.url).find_operation("a/b?c")
    assert played.asked[0].path == "/rebalance/proposals/operations/by-correlation/a%2Fb%3Fc?include_result=false"


def test_who_acts_is_the_subject_of_the_token_or_is_asked_for(played, desk_of):
    decision = {"version": 1, "expected_state": "DRAFT"}
    of_ann = "e30.eyJzdWIiOiAiYW5uIn0.c2ln"  # {"sub": "ann"}
    played.answers = [Answer(409, {"code": "STATE_CONFLICT"})]
    for options, actor, expected in (
        ({"token": of_ann}, None, "ann"),
        ({"token": lambda: of_ann}, None, "ann"),
        ({"token": of_ann, "actor": "ben"}, None, "ben"),
        ({"token": of_ann, "actor": "ben"}, "cleo", "cleo"),
    ):
        with pytest.raises(Exception, match="STATE_CONFLICT"):
            desk_of(played.url, **options).transition("pp_1", "CANCELLED", actor=actor, **decision)
        assert json.loads(played.asked[-1].body)["actor_id"] == expected
    for options in ({}, {"token": "opaque"}, {"token": "e30.e30.c2ln"}, {"token": "a.b.c"}):
        with pytest.raises(InvalidArgument, match="who acts is not known"):
            desk_of(played.url, **options).transition("pp_1", "CANCELLED", **decision)


def test_a_token_that_no_header_takes_is_refused_without_showing_it(desk_of):
    options = {"token": "hidden\n"}
    with pytest.raises(InvalidArgument) as refused:
        desk_of("https://proposals.example", **options)
    assert "hidden" not in str(refused.value)
