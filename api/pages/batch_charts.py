"""The layout of charts with one bar for each scenario; the page's template draws them as SVG."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from api.pages.charts import BAR_HEIGHT, GAP, LABEL_HEIGHT, WIDTH, shortened, widest, width_to_fit
from api.pages.figures import EXACT, rounded_money

ROW_HEIGHT = LABEL_HEIGHT + BAR_HEIGHT + 2 * GAP
LONGEST_FIGURE = 24  # characters; a longer one is written with an exponent


class Part(NamedTuple):
    """A piece of a bar; its kind is the class that colours it."""

    kind: str
    x: float
    width: float


class Row(NamedTuple):
    """A label above its bar, and a figure behind it; `label_width` is None unless the label is made narrower."""

    label: str
    label_width: float | None
    label_y: float
    y: float
    parts: tuple[Part, ...]
    figure: str
    figure_x: float
    figure_y: float


class BarChart(NamedTuple):
    rows: tuple[Row, ...]
    height: float
    description: str
    width: float = WIDTH
    bar_height: float = BAR_HEIGHT


def counts_chart(counts: Mapping[str, Mapping[str, int]]) -> BarChart:
    """How many runs of each scenario are of each kind, by scenario and then kind."""
    figures = [" / ".join(f"{count:,}" for count in kinds.values()) for kinds in counts.values()]
    values = [{kind: Decimal(count) for kind, count in kinds.items()} for kinds in counts.values()]
    described = [
        f"{name}: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}" for name, kinds in counts.items()
    ]
    return _chart(list(counts), values, figures, "; ".join(described))


def turnover_chart(turnover: Mapping[str, str], currency: str) -> BarChart:
    """The turnover of each scenario in one currency: amounts in several have no common scale."""
    figures = [_figure(amount, currency) for amount in turnover.values()]
    values = [{"after": Decimal(amount)} for amount in turnover.values()]
    described = "; ".join(f"{name}: {figure}" for name, figure in zip(turnover, figures, strict=True))
    return _chart(list(turnover), values, figures, described)


def _chart(
    names: Sequence[str], values: Sequence[Mapping[str, Decimal]], figures: Sequence[str], description: str
) -> BarChart:
    room = WIDTH - max(map(widest, figures), default=0) - 2 * GAP
    longest = max((sum(parts.values(), Decimal(0)) for parts in values), default=Decimal(0)) or Decimal(1)
    rows = []
    for number, (name, parts, figure) in enumerate(zip(names, values, figures, strict=True)):
        top, x, label = number * ROW_HEIGHT, 0.0, shortened(name)
        placed = []
        for kind, value in parts.items():
            width = round(room * float(EXACT.divide(value, longest)), 2)
            placed.append(Part(kind, round(x, 2), width))
            x += width
        rows.append(
            Row(
                label=label,
                label_width=width_to_fit(label),
                label_y=top + LABEL_HEIGHT / 2 - 1,
                y=top + LABEL_HEIGHT,
                parts=tuple(placed),
                figure=figure,
                figure_x=round(x + GAP, 2),
                figure_y=top + LABEL_HEIGHT + BAR_HEIGHT / 2,
            )
        )
    return BarChart(rows=tuple(rows), height=ROW_HEIGHT * len(rows), description=description)


def _figure(amount: str, currency: str) -> str:
    figure = rounded_money({"amount": amount, "currency": currency})
    return figure if len(figure) <= LONGEST_FIGURE else f"{Decimal(amount):.3e} {currency}"
