"""The rows made of our own benchmark programs."""

from __future__ import annotations

import os
import subprocess

from .allocators import BUILD
from .measure import Workload

PROGRAMS = {"micro": "bench-micro", "patterns": "bench-pattern"}


def threads() -> int:
    """How many threads the cases that have threads run: one per processor, within reason."""
    return max(2, min(os.cpu_count() or 2, 16))


def workloads(group: str, percent: int) -> list[Workload]:
    """Every case the group's program lists."""
    program = BUILD / "bench" / PROGRAMS[group]
    listing = subprocess.run([str(program), "--list"], capture_output=True, text=True, check=True)
    found = []
    for line in listing.stdout.splitlines():
        name, _, what = line.partition(" ")
        command = (str(program), name, "--percent", str(percent), "--threads", str(threads()))
        found.append(Workload(name, group, what.strip(), command))
    return found
