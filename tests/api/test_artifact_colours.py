"""Text on the page can be read: contrast of every ink with every ground, in light, dark and print."""

import re
from pathlib import Path

import pytest

TEMPLATE = (Path(__file__).parents[2] / "api" / "pages" / "style.css.j2").read_text()
SCHEMES = [
    dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", TEMPLATE, re.DOTALL)
]
INKS = ("ink", "soft", "link", "good", "warn", "bad")


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_there_are_three_schemes():
    assert len(SCHEMES) == 3


@pytest.mark.parametrize("ground", ["paper", "panel"])
@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("scheme", range(3))
def test_ink_can_be_read(scheme, ink, ground):
    assert contrast(SCHEMES[scheme][ink], SCHEMES[scheme][ground]) >= 4.5


@pytest.mark.parametrize("bar", ["before", "after"])
@pytest.mark.parametrize("scheme", range(3))
def test_a_bar_can_be_seen(scheme, bar):
    assert contrast(SCHEMES[scheme][bar], SCHEMES[scheme]["paper"]) >= 2.8
