"""The short real jobs that `make run` ends with, one for each further face of Tarn.

To add one: a program or script that does its job in a few seconds, says in a line or two what it did
and found, and exits with 0 when all was right; then a line in FACES.
"""

from __future__ import annotations

from dataclasses import dataclass

from .allocators import ROOT


@dataclass(frozen=True)
class Face:
    title: str  # what a reader sees above its lines
    command: tuple[str, ...]  # run in the project's folder


FACES: tuple[Face, ...] = (
    Face("Object pools: an order book of a million orders, from a pool and from malloc",
         ("build/examples/order_book", "1000000")),
    Face("Quickfit: the allocations of real programs, replayed in the freestanding heap",
         ("build/bin/test_quick_replay",)),
    Face("Persistent heaps: an index of words, its builder killed half-way, resumed, asked by another process",
         ("sh", "bench/persist/words.sh", "build/bin/words", "/usr/share/doc", "500")),
)

FOLDER = ROOT
