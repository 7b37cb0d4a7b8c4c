"""docs/reference/results.md has a row for every code that a result can have, and no other code."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from openapi_document import DOCUMENT
from page_tables import first_codes, page_of, plain, rows, section

from api.documents import analysis, artifact, result
from domain.batch import metrics
from domain.engine import codes, rules
from domain.engine.gate import NEXT_STEP

PAGE = page_of("reference/results.md")
NO_CODES = {codes.ENGINE_VERSION, codes.SUITABILITY_PREFIX, codes.DEFAULT_MARKET_DATA_ID}
# The name of an asset class is no code; the order of severities is none either.
NO_NAMES = {"CASH", "UNKNOWN_ASSET_CLASS", "SEVERITY_ORDER"}


def of_engine() -> set[str]:
    """The codes that `domain.engine.codes` defines."""
    found: set[str] = set()
    for name, value in vars(codes).items():
        if name.isupper() and name not in NO_NAMES:
            found |= set(value.values()) if isinstance(value, Mapping) else {value} if isinstance(value, str) else set()
    return found - NO_CODES


def literal(alias: Any) -> set[str]:
    return set(alias.__value__.__args__)


def test_every_code_of_the_engine_has_a_row():
    shown = {plain(cell).partition(":")[0] for row in rows(PAGE) for cell in (row[0], row[-1])}
    assert of_engine() - shown == set()


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("Status", literal(result.SimulationStatus)),
        ("Dropped trades", literal(result.DropReason)),
        ("Missing data", set(codes.GAPS)),
        ("Intents", {codes.MANUAL_PROPOSAL, codes.FUNDING}),
        ("Artifact", literal(artifact.ArtifactNextStep) - {"NONE"} | literal(artifact.ObjectiveTag)),
        ("Batches", {metrics.PARTIAL_FAILURE, metrics.MIXED_ENGINES}),
        (
            "Suitability",
            {value for value in of_engine() if value.startswith("SUIT_")} | literal(analysis.RecommendedReview),
        ),
    ],
)
def test_a_table_has_all_of_its_values_and_no_other(heading, values):
    assert set(first_codes(section(PAGE, heading))) == values


def test_the_rules_are_those_that_the_engine_evaluates():
    shown = [plain(row[0]) for row in rows(section(PAGE, "Rules")) if len(row) == 4]
    assert set(shown) == set(rules.HINTS) | {codes.MIN_TRADE_SIZE}


def test_the_gates_lead_where_the_engine_says():
    shown = {plain(row[0]): plain(row[1]) for row in rows(section(PAGE, "Gate")) if len(row) == 3}
    assert shown == NEXT_STEP


def test_the_dimensions_of_suitability_are_all_there():
    shown = {plain(row[2]) for row in rows(section(PAGE, "Suitability")) if len(row) == 5}
    assert shown == literal(analysis.SuitabilityDimension)


def test_the_thresholds_in_the_text_are_the_engines():
    text = section(PAGE, "Rules")
    assert f"more than {codes.SINGLE_POSITION_TOLERANCE} above" in text
    fraction = (codes.RECONCILIATION_FRACTION * 100).normalize()
    assert f"give or take {codes.RECONCILIATION_FLOOR} and {fraction}%" in text
    assert f"above {codes.HIGH_CONCENTRATION_FACTOR} times" in section(PAGE, "Suitability")


SCHEMAS = DOCUMENT["components"]["schemas"]


def members(schema: dict[str, Any]) -> dict[str, Any]:
    """The properties of an object, which may be null or a reference."""
    for one in (schema, *schema.get("anyOf", ())):
        found = SCHEMAS[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        if "properties" in found:
            return found["properties"]
    return {}


def at(path: str, schema: dict[str, Any]) -> dict[str, Any] | None:
    for name in path.split("."):
        found = members(schema).get(name)
        if found is None:
            return None
        schema = found
    return schema


def test_what_a_front_end_shows_is_in_a_version():
    version = SCHEMAS["VersionDetail"]
    for row in rows(section(PAGE, "What to show first")):
        first, *further = re.findall(r"`([^`]+)`", row[1])
        place = at(first, version)
        assert place is not None, first
        assert [name for name in further if at(name, version) is None and at(name, place) is None] == []
