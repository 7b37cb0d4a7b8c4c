"""The statements' columns, which come from the fields of values, are those that the tables declare."""

import pytest

from storage import (
    batch_chunks,
    checkpoints,
    deliveries,
    documents,
    events,
    expired_operations,
    operations,
    proposals,
    reviews,
    simulations,
)
from storage.tables import metadata


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("approvals", reviews._APPROVAL_COLUMNS),
        ("batch_chunks", batch_chunks._COLUMNS),
        ("callback_attempts", deliveries._ATTEMPT_COLUMNS),
        ("evidence_checkpoints", checkpoints.COLUMNS),
        ("expired_operations", expired_operations._COLUMNS),
        ("operations", operations._COLUMNS),
        ("operations", operations._EVIDENCE_COLUMNS),
        ("proposal_versions", proposals.VERSION_FIELDS),
        ("proposals", proposals.PROPOSAL_FIELDS),
        ("review_keys", reviews._KEY_COLUMNS),
        ("simulations", simulations._COLUMNS),
        ("workflow_events", events.EVENT_FIELDS),
    ],
)
def test_each_field_of_a_value_is_a_column_of_its_table(table, columns):
    assert set(columns) <= set(metadata.tables[table].columns.keys())


def test_a_document_is_written_with_all_its_columns():
    assert set(documents.DOCUMENT_COLUMNS) == set(metadata.tables["documents"].columns.keys())
