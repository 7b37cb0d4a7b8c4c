"""What operators can search for from the moment in which an operation's workflow is started."""

from dataclasses import fields

import pytest
from builders import a_locked_operation, an_operation, some_evidence
from worker_dependencies import some_dependencies

from domain.callback import CallbackRules
from domain.creation import new_proposal
from domain.operation import OperationType
from services.start_sources import OperationSource
from services.workflow_starts import delivery_start, operation_start
from storage.workflow_starts import PendingDelivery
from worker.registry import housekeeping_activities
from workflows.delivery_start import delivery_details
from workflows.identity import (
    CORRELATION_ID,
    CREATED_BY,
    OPERATION_TYPE,
    PORTFOLIO_ID,
    PROPOSAL_ID,
    SEARCH_ATTRIBUTES,
    attribute_text,
)
from workflows.messages import AnalyzeInput, CreateInput

A_VERSION = {"operation_type": OperationType.CREATE_PROPOSAL_VERSION, "proposal_id": "pp_77"}


@pytest.mark.parametrize(("changes", "proposal_id"), [({}, "pp_01"), (A_VERSION, "pp_77")])
def test_everything_is_set_at_the_start(changes, proposal_id):
    operation = an_operation(**changes)
    attributes = operation_start(operation, public_url=None).search_attributes
    assert {key: attributes[key] for key in SEARCH_ATTRIBUTES} == {
        CORRELATION_ID: "corr-1",
        OPERATION_TYPE: operation.operation_type,
        PORTFOLIO_ID: "pf_1",
        PROPOSAL_ID: proposal_id,
        CREATED_BY: "advisor_1",
    }


def test_a_simulation_is_found_by_its_portfolio_and_by_no_proposal():
    start = operation_start(
        an_operation(operation_type=OperationType.SIMULATE_PROPOSAL, created_by="desk_1"), public_url=None
    )
    assert PROPOSAL_ID not in start.search_attributes
    assert start.search_attributes[PORTFOLIO_ID] == "pf_1"
    assert start.own.workflow_type == "SimulateProposal"
    assert start.summary == "Simulate proposal for pf&#95;1 by desk&#95;1"
    assert isinstance(start.argument, CreateInput)
    assert "Proposal**" not in start.details


def test_the_proposal_of_a_create_is_the_one_that_its_commit_makes():
    operation = a_locked_operation(metadata='{"title":null,"mandate_id":null,"jurisdiction":null,"advisor_notes":null}')
    made = new_proposal(operation, some_evidence()).proposal.proposal_id
    assert operation_start(operation, public_url=None).search_attributes[PROPOSAL_ID] == made


def test_details_link_to_the_operation_only_where_there_is_a_public_address():
    operation = an_operation()
    assert "- **Operation**: pop&#95;01\n" in operation_start(operation, public_url=None).details
    linked = operation_start(operation, public_url="https://bank.example")
    link = "(https://bank.example/rebalance/proposals/operations/pop_01)"
    assert f"- **Operation**: [pop&#95;01]{link}\n" in linked.details
    assert linked.argument.model_dump()["public_url"] == "https://bank.example"
    of_delivery = delivery_details(
        "pop_01", operation_type="T", operation_status="S", correlation_id="c", public_url=None
    )
    assert of_delivery.startswith("- **Operation**: `pop_01`\n")


def test_workflows_that_reconcile_starts_get_the_same_links():
    rules = CallbackRules(public_url="https://bank.example")
    reconcile, *_ = housekeeping_activities(some_dependencies(callback_rules=rules))
    assert reconcile.__self__._public_url == "https://bank.example"
    source = OperationSource(None, None, max_started=1, public_url="https://bank.example")
    assert source.start(an_operation()) == operation_start(an_operation(), public_url="https://bank.example")


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("crm/case 47-11", "crm/case 47-11"),
        ("a\tb\x7fc\u202ed", "abcd"),
        ("x" * 201, "x" * 200),
        ("x" * 200, "x" * 200),
        ("\U0001f600" * 200, "\U0001f600" * 166),  # twelve bytes each, as ASCII JSON, and two quotes
    ],
)
def test_an_attribute_is_cut_and_prints(text, attribute):
    assert attribute_text(text) == attribute


def test_the_details_name_who_retried_without_meaning_for_markdown():
    assert "Retried by" not in operation_start(an_operation(), public_url=None).details
    assert "- **Retried by**: ops&#95;1" in operation_start(an_operation(retried_by="ops_1"), public_url=None).details


@pytest.mark.parametrize(("by", "shown"), [(None, False), ("ops_1", True)])
def test_the_details_of_a_callback_name_who_asked_for_it_again(by, shown):
    operation = an_operation(has_callback=True)
    values = {field.name: getattr(operation, field.name) for field in fields(operation)}
    delivery = PendingDelivery(
        **values, redelivered_at=None, redelivered_by=by, awaits_start=True, attempts=0, is_recent=True
    )
    assert (
        "\n- **Redelivered by**: ops&#95;1" in delivery_start(delivery, public_url=None, replaces_closed=False).details
    ) is shown


A_BATCH = {
    "operation_type": OperationType.ANALYZE_SCENARIOS,
    "portfolio_id": None,
    "scenario_count": 3,
    "chunk_count": 63,
    "runs_total": 1500,
    "runs_succeeded": 0,
    "runs_failed": 0,
    "is_large": True,
}


def test_a_batch_is_found_by_all_but_portfolio_and_proposal_and_says_how_large_it_is():
    start = operation_start(an_operation(**A_BATCH), public_url=None)
    assert start.own.workflow_type == "AnalyzeScenarios"
    assert {pair.key for pair in start.search_attributes.search_attributes} == {
        CORRELATION_ID,
        OPERATION_TYPE,
        CREATED_BY,
    }
    assert start.summary == "Analyze 500 items in 3 scenarios for advisor&#95;1"
    assert "- **Runs**: 1500\n- **Chunks**: 63" in start.details
    assert "Portfolio" not in start.details
    assert start.argument == AnalyzeInput(
        operation_id="pop_01", lanes=4, created_by="advisor_1", correlation_id="corr-1"
    )


def test_a_batch_of_one_portfolio_is_found_by_it_and_has_no_more_lanes_than_chunks():
    start = operation_start(an_operation(**A_BATCH | {"portfolio_id": "pf_7", "chunk_count": 2}), public_url=None)
    assert start.search_attributes[PORTFOLIO_ID] == "pf_7"
    assert isinstance(start.argument, AnalyzeInput)
    assert start.argument.lanes == 2
