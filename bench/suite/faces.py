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


FACES: tuple[Face, ...] = ()

FOLDER = ROOT
