"""Results as a page for a browser: plots, tables and what was measured on, in one file."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from . import table
from .colours import colours
from .results import Results, command, machine

TITLES = {"wall": "time", "cpu": "processor time", "peak": "peak memory"}
TICKS = (1, 1.1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 8, 12, 20, 40, 100, 200)
NAMES, PANEL, GAP, RIGHT = 150, 340, 40, 16  # widths
TOP, ROW, BOTTOM = 44, 22, 44  # heights
LEAST = 0.97  # left edge, times the best

STYLE = """
:root{color-scheme:light dark;--ground:#ffffff;--ink:#22272e;--faint:#57606a;--line:#d9d9d4;--panel:#fbfbfa}
@media(prefers-color-scheme:dark){:root{--ground:#16191e;--ink:#e6edf3;--faint:#9da7b3;--line:#343b44;--panel:#1c2026}}
body{background:var(--ground);color:var(--ink);font:15px/1.5 sans-serif;max-width:980px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em;margin-bottom:.2em}h2{font-size:1.15em;margin:2em 0 .2em}
p,dl{color:var(--faint)}dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1em}dd{margin:0}
code{color:var(--ink)}svg{width:100%;height:auto}
svg text{fill:var(--ink);font:12px sans-serif}svg .faint{fill:var(--faint)}svg .strong{font-weight:bold}
svg .panel{fill:var(--panel);stroke:var(--line)}svg .grid{stroke:var(--line)}svg .dot{stroke:var(--ground)}
.key{display:flex;flex-wrap:wrap;gap:.2em 1.4em;padding:0;margin:.6em 0;list-style:none}
.key span{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin-right:.4em}
summary{cursor:pointer;color:var(--faint)}pre{overflow-x:auto;font-size:12.5px;line-height:1.35}
.failed{color:#d1242f}
"""


def _text(x: float, y: float, content: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(content)}</text>'


def _rows(results: Results, group: str, metric: str) -> list[tuple[str, dict[str, float]]]:
    """Each workload with each allocator's ratio to the best, the group's means last."""
    rows = []
    for workload in results.workloads:
        if workload.group == group and workload.name in results.samples:
            ratios = {a.name: results.ratio(workload.name, a.name, metric) for a in results.allocators}
            rows.append((workload.name, {name: r for name, r in ratios.items() if r is not None}))
    means = {a.name: results.mean_ratio(group, a.name, metric) for a in results.allocators}
    rows.append(("geometric mean", {name: r for name, r in means.items() if r is not None}))
    return rows


def _panel(
    rows: list[tuple[str, dict[str, float]]], title: str, left: float, colour_of: dict[str, str]
) -> list[str]:
    largest = max([1.3, *(r for _, ratios in rows for r in ratios.values())]) * 1.06
    height = len(rows) * ROW

    def place(ratio: float) -> float:
        return left + PANEL * math.log(ratio / LEAST) / math.log(largest / LEAST)

    out = [
        f'<rect class="panel" x="{left}" y="{TOP}" width="{PANEL}" height="{height}"/>',
        _text(left + PANEL / 2, TOP - 14, title, 'text-anchor="middle" class="strong"'),
        _text(left + PANEL / 2, TOP + height + 36, "times the best", 'text-anchor="middle" class="faint"'),
    ]
    last = -100.0
    for tick in (t for t in TICKS if t <= largest):
        x = place(tick)
        out.append(f'<path class="grid" d="M{x:.1f} {TOP}v{height}"/>')
        if x - last >= 30:
            out.append(_text(x, TOP + height + 17, f"{tick:g}", 'text-anchor="middle" class="faint"'))
            last = x
    for i, (workload, ratios) in enumerate(rows):
        y = TOP + (i + 0.5) * ROW
        ends = [place(r) for r in ratios.values()] or [left]
        out.append(f'<path class="grid" d="M{min(ends):.1f} {y:.1f}H{max(ends):.1f}" stroke-width="2"/>')
        # Tarn's are drawn last, so that none lies on them.
        for name in sorted(ratios, key=lambda n: n.startswith("tarn")):
            radius = 6 if name.startswith("tarn") else 4.5
            out.append(
                f'<circle class="dot" cx="{place(ratios[name]):.1f}" cy="{y:.1f}" r="{radius}" '
                f'fill="{colour_of[name]}"><title>{escape(workload)}, {escape(name)}: '
                f"{ratios[name]:.2f}</title></circle>"
            )
    return out


def _plot(results: Results, group: str, time_metric: str, colour_of: dict[str, str]) -> str:
    panels = [(TITLES[metric], _rows(results, group, metric)) for metric in (time_metric, "peak")]
    rows = panels[0][1]
    width = NAMES + len(panels) * (PANEL + GAP) - GAP + RIGHT
    height = TOP + len(rows) * ROW + BOTTOM
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(group)}: time and peak memory, times the best">'
    ]
    for i, (workload, _) in enumerate(rows):
        strong = 'class="strong" ' if i == len(rows) - 1 else ""
        out.append(_text(NAMES - 10, TOP + (i + 0.5) * ROW + 4, workload, strong + 'text-anchor="end"'))
    for i, (title, ratios) in enumerate(panels):
        out += _panel(ratios, title, NAMES + i * (PANEL + GAP), colour_of)
    return "\n".join([*out, "</svg>"])


def _facts(results: Results) -> list[str]:
    facts = {name.replace("_", " "): str(value) for name, value in machine().items()}
    facts |= {a.name: a.version() for a in results.allocators}
    return ["<dl>", *(f"<dt>{escape(n)}</dt><dd>{escape(v)}</dd>" for n, v in facts.items()), "</dl>"]


def write(results: Results, time_metric: str, path: Path) -> None:
    """A page that needs nothing but itself."""
    colour_of = colours(results)
    key = "".join(
        f'<li><span style="background:{colour_of[a.name]}"></span>{escape(a.name)}</li>' for a in results.allocators
    )
    out = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width"/>\n'
        f"<title>Allocators compared</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        "<h1>Allocators compared</h1>",
        "<p>Each dot is the median of an allocator's runs over the best median of its row, on a logarithmic "
        "axis: the further to the left the better.</p>",
        f'<ul class="key">{key}</ul>',
    ]
    for group in results.groups():
        tables = "\n\n".join(table.group_table(results, group, m) for m in ("wall", "cpu", "peak", "faults"))
        out += [
            f"<h2>{escape(group)}</h2>", _plot(results, group, time_metric, colour_of),
            f"<details><summary>figures</summary><pre>{escape(tables)}</pre></details>",
        ]
    if results.failures:
        out.append('<h2 class="failed">failed</h2>')
        out += [f"<pre>{escape(what)}</pre>" for _, what in results.failures]
    out += ["<h2>measured on</h2>", *_facts(results), f"<p>made by <code>{escape(command())}</code></p>",
            "</body>\n</html>"]
    path.write_text("\n".join(out) + "\n", encoding="utf-8")
