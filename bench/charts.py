"""Bars as SVG. Every colour stands on white and on black alike, so that one file serves both themes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

# Lengths are the SVG's own units.
WIDTH: Final = 720
LABELS: Final = 200
FIGURES: Final = 60
ROW: Final = 22
BAR: Final = 14
HEAD: Final = 30
TEXT: Final = "#7a7a7a"  # 4.3 to 1 on white, 4.9 to 1 on black
COLOURS: Final = ("#5c6bc0", "#26a69a", "#ef8a3c", "#c2629e", "#8d9440")


@dataclass(frozen=True, slots=True)
class Bar:
    """A label with its parts by name, one after the other from the left."""

    label: str
    parts: Mapping[str, float]

    @property
    def length(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one unit, to one scale; names of parts are shown where there are several."""

    title: str
    bars: Sequence[Bar]
    digits: int = 1

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for bar in self.bars for name in bar.parts))

    @property
    def height(self) -> int:
        return HEAD + ROW * len(self.bars) + (ROW if len(self.names) > 1 else 0)


def svg(*panels: Panel) -> str:
    """The panels, one below the other."""
    height = sum(panel.height for panel in panels)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    text = f'font-family="sans-serif" font-size="12" fill="{TEXT}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {text} role="img">',
        f"<title>{escape('; '.join(panel.title for panel in panels))}</title>",
    ]
    top = 0
    for panel in panels:
        lines += _panel(panel, top)
        top += panel.height
    return "\n".join([*lines, "</svg>", ""])


def _panel(panel: Panel, top: int) -> Iterator[str]:
    colours = dict(zip(panel.names, COLOURS, strict=False))
    yield f'<text x="0" y="{top + 16}" font-weight="bold">{escape(panel.title)}</text>'
    top += HEAD
    if len(colours) > 1:
        for number, (name, colour) in enumerate(colours.items()):
            x = LABELS + number * 110
            yield f'<rect x="{x}" y="{top}" width="{BAR}" height="{BAR}" fill="{colour}"/>'
            yield f'<text x="{x + BAR + 5}" y="{top + 11}">{escape(name)}</text>'
        top += ROW
    longest = max((bar.length for bar in panel.bars), default=0.0) or 1.0
    scale = (WIDTH - LABELS - FIGURES) / longest
    for bar in panel.bars:
        yield f'<text x="{LABELS - 8}" y="{top + 11}" text-anchor="end">{escape(bar.label)}</text>'
        x = float(LABELS)
        for name, value in bar.parts.items():
            yield f'<rect x="{x:.1f}" y="{top}" width="{value * scale:.1f}" height="{BAR}" fill="{colours[name]}"/>'
            x += value * scale
        yield f'<text x="{x + 6:.1f}" y="{top + 11}">{bar.length:,.{panel.digits}f}</text>'
        top += ROW
