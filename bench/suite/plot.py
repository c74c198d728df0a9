"""Time against memory, one panel per group of workloads, as an SVG file."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from .colours import colours
from .results import Results

PANEL = 340  # side of a panel's plotting square
LEFT, TOP, GAP, BOTTOM = 68, 52, 92, 64
TICKS = (1, 1.1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 8, 12, 20, 40, 100)
LABEL_HEIGHT = 14


def _text(x: float, y: float, content: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(content)}</text>'


def _place(labels: list[tuple[float, float, str, str]]) -> list[tuple[float, float, str, str]]:
    """Moves labels down until none lies on another."""
    placed: list[tuple[float, float, str, str]] = []
    for x, y, name, colour in sorted(labels, key=lambda label: label[1]):
        width = 7.0 * len(name)
        while any(
            abs(y - other_y) < LABEL_HEIGHT and x < other_x + 7.0 * len(other) and other_x < x + width
            for other_x, other_y, other, _ in placed
        ):
            y += 2
        placed.append((x, y, name, colour))
    return placed


def _panel(results: Results, group: str, time_metric: str, left: float) -> list[str]:
    points = []
    for name, colour in colours(results).items():
        time = results.mean_ratio(group, name, time_metric)
        peak = results.mean_ratio(group, name, "peak")
        if time is not None and peak is not None:
            points.append((time, peak, name, colour))
    largest = max([1.25, *(max(p[0], p[1]) for p in points)]) * 1.08

    def place(ratio: float) -> float:
        return PANEL * math.log(ratio / 0.96) / math.log(largest / 0.96)

    bottom = TOP + PANEL
    out = [
        f'<rect x="{left}" y="{TOP}" width="{PANEL}" height="{PANEL}" fill="#fbfbf9" stroke="#999"/>',
        _text(left + PANEL / 2, TOP - 12, group, 'text-anchor="middle" font-weight="bold"'),
    ]
    for tick in (t for t in TICKS if t <= largest):
        at = place(tick)
        out += [
            f'<path d="M{left + at:.1f} {TOP}V{bottom}M{left} {bottom - at:.1f}h{PANEL}" stroke="#e2e2dc"/>',
            _text(left + at, bottom + 16, f"{tick:g}", 'text-anchor="middle" fill="#555"'),
            _text(left - 6, bottom - at + 4, f"{tick:g}", 'text-anchor="end" fill="#555"'),
        ]
    labels = []
    for time, peak, name, colour in points:
        x, y = left + place(time), bottom - place(peak)
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        on_the_right = x + 10 + 7.0 * len(name) <= left + PANEL
        labels.append((x + 9 if on_the_right else x - 9 - 7.0 * len(name), y + 4, name, colour))
    out += [_text(x, y, name, f'fill="{colour}"') for x, y, name, colour in _place(labels)]
    middle = left + PANEL / 2
    out.append(_text(middle, bottom + 36, "time, times the best", 'text-anchor="middle"'))
    turned = f'text-anchor="middle" transform="rotate(-90 {left - 44} {TOP + PANEL / 2})"'
    out.append(_text(left - 44, TOP + PANEL / 2, "peak memory, times the best", turned))
    return out


def write(results: Results, time_metric: str, path: Path) -> None:
    """Geometric means of each allocator; the lower left corner is the best in every row."""
    groups = results.groups()
    width = LEFT + len(groups) * (PANEL + GAP) - GAP + 24
    height = TOP + PANEL + BOTTOM
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(LEFT, 18, "Geometric means over each group; lower left is better", 'fill="#333"'),
    ]
    for i, group in enumerate(groups):
        body += _panel(results, group, time_metric, LEFT + i * (PANEL + GAP))
    path.write_text("\n".join([*body, "</svg>"]) + "\n")
