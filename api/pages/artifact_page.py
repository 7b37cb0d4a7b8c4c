"""The artifact as a page for clients and reviewers: everything in one file, nothing fetched, good on paper."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.pages.charts import Weights, weights_chart

SHOWN_INSTRUMENTS: Final = 12
CENT: Final = Decimal("0.01")
BASIS_POINT: Final = Decimal("0.0001")


@dataclass(frozen=True, kw_only=True, slots=True)
class PageContext:
    """What the page says about the version besides its artifact."""

    title: str
    path: str
    proposal_id: str
    proposal_version_id: str
    version_no: int
    created_by: str
    engine_version: str
    simulation_hash: str


def artifact_page(artifact_text: str, context: PageContext) -> str:
    """The page's HTML; the same artifact and context give the same text. Meant for a process of the engine's pool."""
    artifact = json.loads(artifact_text)
    impact = artifact["portfolio_impact"]
    by_class = _weights(impact, "allocation_by_asset_class")
    by_instrument = _weights(impact, "allocation_by_instrument")
    shown = _largest(by_instrument)
    page: str = _template().render(
        **asdict(context),
        artifact=artifact,
        by_class=by_class,
        by_instrument=by_instrument,
        hashes=artifact["evidence_bundle"]["hashes"],
        class_chart=weights_chart(
            by_class, chart_id="classes", title="Weights by asset class", description=_told(by_class)
        ),
        instrument_chart=weights_chart(
            shown, chart_id="instruments", title="Weights by instrument", description=_told(shown)
        ),
    )
    return page


def _weights(impact: Mapping[str, Any], allocation: str) -> list[Weights]:
    """By weight after, then before; what is on one side only has nothing on the other."""
    sides = [{row["key"]: Decimal(row["weight"]) for row in impact[side][allocation]} for side in ("before", "after")]
    rows = [
        Weights(label=key, before=sides[0].get(key, Decimal(0)), after=sides[1].get(key, Decimal(0)))
        for key in sides[0] | sides[1]
    ]
    return sorted(rows, key=lambda row: (-row.after, -row.before, row.label))


def _largest(rows: Sequence[Weights]) -> list[Weights]:
    """The rows that a picture can hold; the others as one."""
    if len(rows) <= SHOWN_INSTRUMENTS:
        return list(rows)
    kept, others = rows[: SHOWN_INSTRUMENTS - 1], rows[SHOWN_INSTRUMENTS - 1 :]
    rest = Weights(
        label=f"{len(others)} others",
        before=sum((row.before for row in others), Decimal(0)),
        after=sum((row.after for row in others), Decimal(0)),
    )
    return [*kept, rest]


def _told(rows: Iterable[Weights]) -> str:
    return "; ".join(f"{row.label}: {percent(row.before)} before, {percent(row.after)} after" for row in rows)


def percent(weight: Decimal | str) -> str:
    return f"{Decimal(weight).quantize(BASIS_POINT) * 100:.2f} %"


def points(weight: Decimal | str) -> str:
    """A difference of weights."""
    return f"{Decimal(weight).quantize(BASIS_POINT) * 100:+.2f} pp"


def money(amount: Mapping[str, str]) -> str:
    """Two decimals and separators, for people; the artifact has every digit."""
    return f"{Decimal(amount['amount']).quantize(CENT):,} {amount['currency']}"


def number(value: str) -> str:
    return f"{Decimal(value):,f}"


def words(code: str) -> str:
    """A code of the contract as people read it."""
    return code.replace("_", " ").lower()


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("api", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "points": points,
        "money": money,
        "number": number,
        "words": words,
    }
    return environment.get_template("artifact.html.j2")
