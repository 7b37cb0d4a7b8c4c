"""The layout of a chart of weights, its bars and texts; the page's template draws it as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from api.pages.figures import EXACT, percent

# Lengths are the SVG's own units; a phone shows the whole width, and letters of 10 can still be read there.
WIDTH: Final = 360.0
LABELS_WIDTH: Final = 116.0
FIGURE_WIDTH: Final = 50.0
ROW_HEIGHT: Final = 33.0
BAR_HEIGHT: Final = 12.0
GAP: Final = 4.0
MAX_LABEL_LENGTH: Final = 18
LONG_WEIGHT: Final = Decimal(10_000)  # of a total that is nearly nothing


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
    """A label, centred beside its two bars."""

    label: str
    y: float
    bars: tuple[Bar, Bar]


class Chart(NamedTuple):
    """Horizontal bars, before above after, in the given order."""

    rows: tuple[Row, ...]
    height: float
    zero: float
    width: float = WIDTH
    label_x: float = LABELS_WIDTH - GAP
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
        self._left = LABELS_WIDTH + (FIGURE_WIDTH if self._lowest else 0)
        self.zero = self.place(Decimal(0))

    def place(self, weight: Decimal) -> float:
        part = float(EXACT.divide(EXACT.subtract(weight, self._lowest), self._span))
        return round(self._left + (WIDTH - FIGURE_WIDTH - self._left) * part, 2)


def _row(row: Weights, *, top: float, scale: _Scale) -> Row:
    middle = top + ROW_HEIGHT / 2
    return Row(
        label=_shortened(row.label),
        y=middle,
        bars=(
            _bar("before", row.before, y=middle - BAR_HEIGHT, scale=scale),
            _bar("after", row.after, y=middle, scale=scale),
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
        figure=percent(weight) if abs(weight) < LONG_WEIGHT else f"{weight:.2e}",
        figure_x=round(end - GAP if is_negative else end + GAP, 2),
        anchor="end" if is_negative else "start",
    )


def _shortened(label: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in label)
    return shown if len(shown) <= MAX_LABEL_LENGTH else f"{shown[: MAX_LABEL_LENGTH - 1]}\N{HORIZONTAL ELLIPSIS}"
