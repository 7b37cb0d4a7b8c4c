"""docs/reference/temporal-names.md and ids.md have the names that the code gives."""

import re
from pathlib import Path
from typing import get_args

from page_tables import first_codes, page_of, plain, rows, section
from temporalio import activity, workflow

from api import wire
from api.callbacks import WEBHOOK_ID_EXAMPLE
from domain import ids
from domain.operation import OperationType
from services.workflow_starts import MAX_LANES, own_delivery_of, own_workflow_of
from worker.registry import callback_workflows, housekeeping_workflows, proposal_workflows
from workflows import identity, steps
from workflows.deliver_callback import UNDELIVERED
from workflows.schedules import wanted_schedules

ROOT = Path(__file__).parents[2]
TEMPORAL, IDS = page_of("reference/temporal-names.md"), page_of("reference/ids.md")
WORKFLOWS = {plain(row[0]): row for row in rows(section(TEMPORAL, "Workflows"))}
SIGNALS = section(TEMPORAL, "Signals")
OPERATION = "pop_01a209cfabe47ee5874eb241cbfaeb1b"
QUEUES = {identity.PROPOSALS_QUEUE, identity.BATCHES_QUEUE, identity.CALLBACKS_QUEUE, identity.HOUSEKEEPING_QUEUE}


def definitions() -> list[workflow._Definition]:
    found = [*proposal_workflows(), *callback_workflows(), *housekeeping_workflows()]
    return [workflow._Definition.must_from_class(registered) for registered in found]


def test_every_workflow_type_is_there_and_no_other():
    assert set(WORKFLOWS) == {definition.name for definition in definitions()}


def test_an_operations_workflow_has_the_id_and_the_queue_of_the_page():
    for operation_type in OperationType:
        own = own_workflow_of(OPERATION, operation_type=operation_type)
        _, shown_id, queue, _ = WORKFLOWS[own.workflow_type]
        assert own.workflow_id == OPERATION
        assert "the operation's id" in shown_id
        assert plain(queue) == own.task_queue
    delivery = own_delivery_of(OPERATION)
    _, shown_id, queue, _ = WORKFLOWS[delivery.workflow_type]
    assert delivery.workflow_id.startswith(plain(shown_id).removesuffix("..."))
    assert plain(queue) == delivery.task_queue


def test_the_schedules_start_what_the_page_says():
    schedules = wanted_schedules()
    assert first_codes(section(TEMPORAL, "Schedules")) == list(schedules)
    for schedule in schedules.values():
        _, shown_id, queue, _ = WORKFLOWS[schedule.action.workflow]
        assert f"`{schedule.action.id}`" in shown_id
        assert plain(queue) == schedule.action.task_queue


def test_every_step_is_named():
    named = {
        defined.name
        for stub in vars(steps).values()
        if callable(stub) and (defined := activity._Definition.from_callable(stub)) is not None
    }
    assert len(named) > 10
    assert [name for name in named if f"`{name}`" not in section(TEMPORAL, "Workflows")] == []
    assert len("four") == MAX_LANES


def test_every_task_queue_is_there():
    assert set(first_codes(section(TEMPORAL, "Task queues"))) == QUEUES


def test_every_search_attribute_is_there_with_the_values_of_the_closed_one():
    text = section(TEMPORAL, "Search attributes")
    attributes, queries = [table for table in text.split("\n\n") if table.startswith("|")]
    assert set(first_codes(attributes)) == {key.name for key in identity.SEARCH_ATTRIBUTES}
    [values] = [row[1] for row in rows(attributes) if plain(row[0]) == identity.OPERATION_TYPE.name]
    assert re.findall(r"`([^`]+)`", values) == list(OperationType)
    assert f"cut after {identity.MAX_ATTRIBUTE_LENGTH} characters" in text
    known = {key.name for key in identity.SEARCH_ATTRIBUTES} | {"ExecutionStatus", "WorkflowType", "StartTime"}
    for _, query in rows(queries):
        assert set(re.findall(r"(\w+)\s*[=>]", query)) <= known
        assert set(re.findall(r'WorkflowType="(\w+)"', query)) <= set(WORKFLOWS)


def test_the_signals_are_those_of_the_workflows():
    signals = {(signal, definition.name) for definition in definitions() for signal in definition.signals}
    assert {(plain(row[0]), plain(row[1])) for row in rows(SIGNALS)} == signals
    assert [definition.name for definition in definitions() if definition.queries or definition.updates] == []


def test_every_type_of_failure_is_raised_by_the_code():
    code = "".join(path.read_text() for folder in ("activities", "workflows") for path in (ROOT / folder).glob("*.py"))
    shown = [plain(row[0]) for row in rows(section(TEMPORAL, "Failures"))[1:]]
    assert UNDELIVERED in shown
    assert set(re.findall(r'\btype="(\w+)"', code)) <= set(shown)
    assert [name for name in shown if name != UNDELIVERED and name not in code] == []


def test_every_prefix_of_an_id_is_there():
    made = {f"{prefix}_" for prefix in get_args(ids.Prefix)}
    schemas = [alias.__metadata__[0] for alias in vars(wire).values() if hasattr(alias, "__metadata__")]
    patterns = [schema.json_schema.get("pattern", "") for schema in schemas if hasattr(schema, "json_schema")]
    made |= {found.group(1) for pattern in patterns if (found := re.match(r"\^([a-z]\w*[_:])", pattern))}
    made.add(WEBHOOK_ID_EXAMPLE[:4])
    made.add(ids.new_correlation_id()[:5])
    made.add(identity.delivery_workflow_id_of(""))
    assert set(first_codes(IDS.split("\n## ", 1)[0])) == made


def test_the_ids_that_callers_make_have_the_limits_of_the_page_of_limits():
    limits = {plain(row[0]): row[1] for row in rows(page_of("reference/limits.md"))}
    made = {plain(row[0]): row[1] for row in rows(section(IDS, "Ids that you make"))}
    for header in ("Idempotency-Key", "X-Correlation-Id"):
        assert made[header] == limits[header]


def test_the_digits_of_ids_are_as_many_as_the_page_says():
    assert len(ids.new_correlation_id().removeprefix("corr_")) == 12
    assert len(ids.new_operation_id().removeprefix("pop_")) == 32
    assert len(wire.HASH_EXAMPLE.removeprefix("sha256:")) == 64
