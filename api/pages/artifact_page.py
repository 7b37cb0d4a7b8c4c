"""The artifact as a page for clients and reviewers: everything in one file, nothing fetched, good on paper."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from api.pages.charts import Weights, weights_chart
from api.pages.figures import percent
from api.pages.reconciliation import reconciliation_of
from api.pages.review import Review
from api.pages.templates import template

SHOWN_INSTRUMENTS: Final = 12
SHOWN_CHANGES: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class PageContext:
    """The facts about the version and its proposal that the artifact does not hold."""

    title: str | None
    path: str
    proposal_id: str
    proposal_version_id: str
    version_no: int
    created_by: str
    engine_version: str
    simulation_hash: str
    review: Review


def artifact_page(artifact_text: bytes, inputs_text: bytes, context: PageContext) -> bytes:
    """The page's HTML; the same arguments give the same bytes."""
    artifact = json.loads(artifact_text)
    inputs = json.loads(inputs_text)
    impact = artifact["portfolio_impact"]
    by_class = _weights(impact, "allocation_by_asset_class")
    by_instrument = _weights(impact, "allocation_by_instrument")
    shown = _charted(by_instrument)
    page: str = template("artifact.html.j2").render(
        **asdict(context),
        artifact=artifact,
        by_class=by_class,
        by_instrument=by_instrument,
        others=_others(by_instrument, shown),
        cash_flows=inputs["proposed_cash_flows"],
        reconciliation=reconciliation_of(impact["reconciliation"], inputs),
        hashes=artifact["evidence_bundle"]["hashes"],
        class_chart=weights_chart(by_class),
        class_description=_described(by_class),
        instrument_chart=weights_chart(shown),
        instrument_description=_described(shown),
    )
    return page.encode()


def _weights(impact: Mapping[str, Any], allocation: str) -> list[Weights]:
    """By weight after, then before; a row of one side only has no values on the other."""
    sides = [{row["key"]: Decimal(row["weight"]) for row in impact[side][allocation]} for side in ("before", "after")]
    rows = [
        Weights(label=key, before=sides[0].get(key, Decimal(0)), after=sides[1].get(key, Decimal(0)))
        for key in sides[0] | sides[1]
    ]
    return sorted(rows, key=lambda row: (-row.after, -row.before, row.label))


def _charted(rows: Sequence[Weights]) -> list[Weights]:
    """The rows that fit into the chart, in their order: those that change most, then the largest."""
    if len(rows) <= SHOWN_INSTRUMENTS:
        return list(rows)
    changes = sorted(rows, key=lambda row: -abs(row.after - row.before))[:SHOWN_CHANGES]
    largest = [row for row in rows if row not in changes][: SHOWN_INSTRUMENTS - SHOWN_CHANGES]
    return [row for row in rows if row in changes or row in largest]


def _others(rows: Sequence[Weights], shown: Sequence[Weights]) -> Weights | None:
    """The rows that the chart leaves out, added up; as a bar they would dwarf those that are shown."""
    left_out = [row for row in rows if row not in shown]
    if not left_out:
        return None
    return Weights(
        label="1 other" if len(left_out) == 1 else f"{len(left_out)} others",
        before=sum((row.before for row in left_out), Decimal(0)),
        after=sum((row.after for row in left_out), Decimal(0)),
    )


def _described(rows: Iterable[Weights]) -> str:
    return "; ".join(f"{row.label}: {percent(row.before)} before, {percent(row.after)} after" for row in rows)
