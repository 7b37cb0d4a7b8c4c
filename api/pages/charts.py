"""Charts as SVG for pages that also print and turn dark: every colour is one of the page's own."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Final

from api.pages.figures import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours that stand for the page's variables until the SVG is text.
INK, GRID, BEFORE, AFTER = "#010203", "#040506", "#070809", "#0a0b0c"
VARIABLES: Final = {INK: "var(--ink)", GRID: "var(--line)", BEFORE: "var(--before)", AFTER: "var(--after)"}
MAX_LABEL_LENGTH: Final = 18
# Narrow, because a phone shows the whole of it: its letters must still be read there.
ROW_INCHES, FRAME_INCHES, WIDTH_INCHES = 0.46, 0.3, 5.0
BAR_HEIGHT: Final = 0.36
LONG_WEIGHT: Final = Decimal(10_000)  # of a total that is nearly nothing

PROLOGUE: Final = re.compile(r"^.*?(?=<svg)", re.DOTALL)
METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
ROOT: Final = re.compile(r"<svg[^>]*?viewBox=\"([^\"]+)\"[^>]*>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """A bar before and a bar after, as parts of one."""

    label: str
    before: Decimal
    after: Decimal


def weights_chart(rows: Sequence[Weights], *, chart_id: str, title: str, description: str) -> str:
    """Horizontal bars, before above after, in the given order; the same rows give the same text.

    matplotlib keeps state of the process: call it in one thread at a time.
    """
    # Most processes never draw, and to import it takes longer than all the rest of them to start.
    import matplotlib as mpl  # noqa: PLC0415 -- as above
    from matplotlib.figure import Figure  # noqa: PLC0415 -- as above

    with mpl.rc_context({"svg.hashsalt": chart_id, "svg.fonttype": "none", "font.size": 10}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # its own font lacks some letters; the browser's has them
        figure = Figure(figsize=(WIDTH_INCHES, FRAME_INCHES + ROW_INCHES * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        _draw(axes, rows)
        drawn = StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(drawn.getvalue(), chart_id=chart_id, title=title, description=description)


def _draw(axes: "Axes", rows: Sequence[Weights]) -> None:
    positions = [float(number) for number in range(len(rows))]
    for offset, colour, side in ((-BAR_HEIGHT / 2, BEFORE, "before"), (BAR_HEIGHT / 2, AFTER, "after")):
        weights = [getattr(row, side) for row in rows]
        values = [float(weight) * 100 for weight in weights]
        bars = axes.barh([position + offset for position in positions], values, BAR_HEIGHT, color=colour)
        axes.bar_label(bars, labels=[_label(weight) for weight in weights], padding=3, color=INK)
    axes.set_yticks(positions, labels=[_shortened(row.label) for row in rows], parse_math=False)
    axes.invert_yaxis()
    axes.margins(x=0.2, y=0.01)
    axes.set_xticks([])
    axes.axvline(0, color=GRID, linewidth=0.8)
    axes.tick_params(axis="y", colors=INK, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _label(weight: Decimal) -> str:
    return percent(weight) if abs(weight) < LONG_WEIGHT else f"{weight:.2e}"


def _shortened(label: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in label)
    return shown if len(shown) <= MAX_LABEL_LENGTH else f"{shown[: MAX_LABEL_LENGTH - 1]}\N{HORIZONTAL ELLIPSIS}"


def _inline(svg: str, *, chart_id: str, title: str, description: str) -> str:
    """The SVG as part of a page: no prologue, no addresses of others, the page's colours, words for who cannot see."""
    text = METADATA.sub("", PROLOGUE.sub("", svg))
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    words = (
        f'<svg class="chart" viewBox="\\1" role="img" aria-labelledby="{chart_id}-title {chart_id}-desc" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><title id="{chart_id}-title">{escape(title)}</title>'
        f'<desc id="{chart_id}-desc">{escape(description)}</desc>'
    )
    return ROOT.sub(lambda root: words.replace("\\1", root.group(1)), text, count=1)
