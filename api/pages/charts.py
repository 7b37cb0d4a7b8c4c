"""The layout of a chart of weights, its bars and texts; the page's template draws it as SVG."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from api.pages.clear_text import clear_text
from api.pages.figures import EXACT, percent

# Lengths are the SVG's own units; a phone shows the whole width, and letters of 10 can still be read there.
WIDTH: Final = 360.0
FIGURE_WIDTH: Final = 72.0
LABEL_HEIGHT: Final = 16.0
ROW_HEIGHT: Final = 48.0
BAR_HEIGHT: Final = 12.0
GAP: Final = 4.0
MAX_LABEL_LENGTH: Final = 40
END_LENGTH: Final = 15  # of a longer label; names often differ there
LETTER: Final = 10.0
LONG_WEIGHT: Final = Decimal(100)  # of a total that is nearly nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """A bar before and a bar after, as parts of one."""

    label: str
    before: Decimal
    after: Decimal


class Bar(NamedTuple):
    """One bar with its figure beside it, on the side to which the bar grows."""

    side: Literal["before", "after"]
    x: float
    y: float
    width: float
    figure: str
    figure_x: float
    anchor: Literal["start", "end"]


class Row(NamedTuple):
    """A label above its two bars; `label_width` is None unless the label has to be made narrower."""

    label: str
    label_width: float | None
    y: float
    bars: tuple[Bar, Bar]


class Chart(NamedTuple):
    """Horizontal bars, before above after, in the given order."""

    rows: tuple[Row, ...]
    height: float
    zero: float
    width: float = WIDTH
    label_x: float = 0
    bar_height: float = BAR_HEIGHT


def weights_chart(rows: Sequence[Weights]) -> Chart:
    """Place the rows; bars of negative weights grow to the left of the zero line."""
    weights = [weight for row in rows for weight in (row.before, row.after)]
    scale = _Scale(lowest=min(weights, default=Decimal(0)), highest=max(weights, default=Decimal(0)))
    return Chart(
        rows=tuple(_row(row, top=number * ROW_HEIGHT, scale=scale) for number, row in enumerate(rows)),
        height=ROW_HEIGHT * len(rows),
        zero=scale.zero,
    )


class _Scale:
    """From weights to places; figures have room beside the longest bars."""

    def __init__(self, *, lowest: Decimal, highest: Decimal) -> None:
        self._lowest = min(lowest, Decimal(0))
        self._span = EXACT.subtract(max(highest, Decimal(0)), self._lowest) or Decimal(1)
        self._left = FIGURE_WIDTH if self._lowest else 0
        self.zero = self.place(Decimal(0))

    def place(self, weight: Decimal) -> float:
        part = float(EXACT.divide(EXACT.subtract(weight, self._lowest), self._span))
        return round(self._left + (WIDTH - FIGURE_WIDTH - self._left) * part, 2)


def _row(row: Weights, *, top: float, scale: _Scale) -> Row:
    label, bars = shortened(clear_text(row.label)), top + LABEL_HEIGHT
    return Row(
        label=label,
        label_width=width_to_fit(label),
        y=top + LABEL_HEIGHT / 2 - 1,
        bars=(
            _bar("before", row.before, y=bars, scale=scale),
            _bar("after", row.after, y=bars + BAR_HEIGHT, scale=scale),
        ),
    )


def _bar(side: Literal["before", "after"], weight: Decimal, *, y: float, scale: _Scale) -> Bar:
    end = scale.place(weight)
    is_negative = weight < 0
    return Bar(
        side=side,
        x=min(end, scale.zero),
        y=y,
        width=round(abs(end - scale.zero), 2),
        figure=percent(weight) if abs(weight) < LONG_WEIGHT else f"{weight.scaleb(2, EXACT):.1e}%",
        figure_x=round(end - GAP if is_negative else end + GAP, 2),
        anchor="end" if is_negative else "start",
    )


def shortened(label: str) -> str:
    """A label that fits above its bars; its end is kept, for names often differ there."""
    if len(label) <= MAX_LABEL_LENGTH:
        return label
    return f"{label[: MAX_LABEL_LENGTH - END_LENGTH - 1]}\N{HORIZONTAL ELLIPSIS}{label[-END_LENGTH:]}"


def width_to_fit(label: str) -> float | None:
    """The width that a label has to be made narrower to; None when it fits."""
    return WIDTH - GAP if widest(label) > WIDTH - GAP else None


def widest(label: str) -> float:
    """Of the fonts that the page names DejaVu Sans, what `system-ui` is on many machines, has the widest letters."""
    return LETTER * sum(map(_ems, label))


def _ems(character: str) -> float:
    if not character.isascii():
        if unicodedata.category(character) in ("Mn", "Me", "Cf"):
            return 0.0
        return 1.3 if unicodedata.east_asian_width(character) in "WF" else 1.0
    if character in "MWmw@%":
        return 1.0
    return 0.8 if character.isupper() else 0.65
