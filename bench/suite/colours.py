"""Which allocator has which colour, in every plot."""

from __future__ import annotations

from .results import Results

# Colours that stand apart for most eyes, after Okabe and Ito (2008), Tarn's first.
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#b58900", "#8250c4", "#6b7280")


def colours(results: Results) -> dict[str, str]:
    names = sorted((a.name for a in results.allocators), key=lambda name: not name.startswith("tarn"))
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
