"""A small dot plot of the ratios to the floor, as an SVG file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from .lab import Row

#: Colours that the colour-blind can tell apart (Okabe and Ito); ours is black.
COLOURS = ("#000000", "#999999", "#0072b2", "#d55e00", "#009e73", "#cc79a7")
TICKS = (0.5, 1, 2, 4, 8, 16, 32, 64)

LEFT, WIDTH, RIGHT, TOP, STEP = 430, 420, 30, 60, 26


def draw(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """Return the plot of those *rows* that have a floor to be compared to."""
    shown = [row for row in rows if not row.exact and "floor" in row.samples.values]
    bottom = TOP + STEP * len(shown)
    size = f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {bottom + 30}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">',
        "<title>Cost as a multiple of the floor; less is better</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *_legend(titles),
        *_axis(bottom),
    ]
    for number, row in enumerate(shown):
        parts += _dots(row, titles, TOP + STEP * (number + 0.5))
    return "\n".join([*parts, "</svg>", ""])


def _legend(titles: Mapping[str, str]) -> Iterator[str]:
    x = 10.0
    for title, colour in zip(titles.values(), COLOURS, strict=True):
        yield f'<circle cx="{x + 6:.0f}" cy="20" r="6" fill="{colour}"/>'
        yield f'<text x="{x + 17:.0f}" y="25">{escape(title)}</text>'
        x += 42 + 7.5 * len(title)


def _axis(bottom: float) -> Iterator[str]:
    for tick in TICKS:
        x = _x(tick)
        colour = "#666666" if tick == 1 else "#dddddd"
        yield f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="{colour}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'


def _dots(row: Row, titles: Mapping[str, str], y: float) -> Iterator[str]:
    place = f'x="{LEFT - 12}" y="{y + 4:.0f}"'
    yield f'<text {place} text-anchor="end" font-size="11">{escape(row.title)}</text>'
    # The first is drawn last, and so on top.
    for (name, title), colour in reversed(list(zip(titles.items(), COLOURS, strict=True))):
        if name in row.samples.values:
            ratio = row.samples.ratio(name, "floor")
            hint = f"<title>{escape(title)}: {ratio:.2f}</title>"
            yield (
                f'<circle cx="{_x(ratio):.1f}" cy="{y:.0f}" r="6" fill="{colour}" '
                f'fill-opacity="0.85">{hint}</circle>'
            )


def _x(ratio: float) -> float:
    """Return where a ratio stands on a logarithmic scale."""
    first, last = math.log(TICKS[0]), math.log(TICKS[-1])
    share = (math.log(ratio) - first) / (last - first)
    return LEFT + WIDTH * min(max(share, 0), 1)
