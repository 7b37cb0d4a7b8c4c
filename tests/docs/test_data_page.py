"""docs/reference/data-and-retention.md: every table is named, and kept for as long as the purge keeps it."""

import re
from datetime import timedelta
from pathlib import Path

from page_tables import first_codes, page_of, rows, section

from runtime.settings import Settings, variable_name
from services.purging import Periods
from storage.retention import STATEMENTS
from storage.tables import metadata
from workflows.identity import CORRELATION_ID, CREATED_BY, PORTFOLIO_ID, SEARCH_ATTRIBUTES

ROOT = Path(__file__).parents[2]
PAGE = page_of("reference/data-and-retention.md")
STORED = section(PAGE, "What is stored, and for how long")
KEPT = {name: row[2] for row in rows(STORED) for name in first_codes(f"| a |\n|---|\n| {row[0]} |")}
SETTINGS = Settings()
PERIODS = Periods(
    operations=timedelta(days=SETTINGS.operation_retention_days),
    keys=timedelta(days=SETTINGS.idempotency_retention_days),
)


def days(kind: str) -> str:
    return f"{PERIODS.by_kind[kind].days} days"


def test_every_table_is_named_and_what_is_never_removed_is_kept_for_ever():
    assert set(KEPT) == set(metadata.tables)
    removed = {table for statement in STATEMENTS.values() for table in re.findall(r"DELETE FROM (\w+)", statement)}
    with_another = {
        table.name for table in metadata.tables.values() for key in table.foreign_keys if key.ondelete == "CASCADE"
    }
    assert {table for table, kept in KEPT.items() if kept != "for ever"} == removed | with_another
    assert {table for table, kept in KEPT.items() if kept == "with its operation"} == with_another | {"batch_chunks"}


def test_the_periods_are_those_of_the_purge():
    operations, keys = variable_name("operation_retention_days"), variable_name("idempotency_retention_days")
    assert KEPT["operations"].startswith(f"{days('operations')} after the end (`{operations}`)")
    assert KEPT["idempotency_keys"] == f"{days('keys')} after the operation's end (`{keys}`)"
    assert KEPT["simulations"] == f"{days('simulations')} after the end, as keys"
    assert KEPT["review_keys"] == f"{days('review_keys')} after their use"
    assert KEPT["expired_operations"].startswith(f"{days('tombstones')} after the purge")
    assert KEPT["operation_correlation_ids"].startswith(f"{days('correlation_ids')} after the operation's beginning")
    assert f"gone after {days('operations')}, and a simulation after {PERIODS.keys.days}" in STORED


def test_what_can_be_searched_for_in_temporal_is_marked():
    searchable = {row[0] for row in rows(section(PAGE, "What leaves PostgreSQL")) if "searchable" in row[2]}
    assert searchable == {"correlation id", "portfolio id", "author (`created_by`)"}
    of_callers = {CORRELATION_ID, PORTFOLIO_ID, CREATED_BY}
    assert {key.name for key in set(SEARCH_ATTRIBUTES) - of_callers} == {"OperationType", "ProposalId"}  # codes and ids
    assert "retention 168h" in (ROOT / "deploy" / "temporal" / "namespace.sh").read_text()
    assert "7 days with compose" in PAGE


def test_personal_data_is_named_by_columns_of_the_evidence():
    columns = {name: set(table.columns.keys()) for name, table in metadata.tables.items()}
    evidence = columns["proposals"] | columns["workflow_events"] | columns["approvals"]
    named = set(first_codes(section(PAGE, "Personal data"))) - {"proposed_cash_flows", "description"}
    assert {name for name in named if name.islower()} <= evidence
    assert named >= {
        "created_by",
        "actor_id",
        "portfolio_id",
        "mandate_id",
        "title",
        "advisor_notes",
        "reason",
        "details",
    }


def test_servers_of_ones_own_are_told_to_log_as_compose_does():
    compose = (ROOT / "docker-compose.yml").read_text()
    guide = page_of("guides/external-services.md")
    for name, value in {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}.items():
        assert f"- {name}={value}\n" in compose
        assert f"ALTER DATABASE proposals SET {name} = {value};" in guide
