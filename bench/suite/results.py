"""What was measured, its summary, and the file it is kept in."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .allocators import ROOT, Allocator
from .measure import Sample, Workload

RESULTS = ROOT / "bench" / "results"

# A figure below these is too small for a ratio to mean anything: clock ticks, a page or two.
LEAST = {"cpu": 0.005, "wall": 0.005, "peak": 256.0, "faults": 50.0}

METRICS: dict[str, Callable[[Sample], float]] = {
    "cpu": lambda s: s.cpu,
    "wall": lambda s: s.wall,
    "peak": lambda s: float(s.peak),
    "faults": lambda s: float(s.minor_faults + s.major_faults),
}


@dataclass
class Results:
    """All samples of a run, by workload and allocator."""

    allocators: list[Allocator]
    workloads: list[Workload]
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)  # allocator, what happened

    def add(self, workload: Workload, allocator: Allocator, sample: Sample) -> None:
        self.samples.setdefault(workload.name, {}).setdefault(allocator.name, []).append(sample)

    def median(self, workload: str, allocator: str, metric: str) -> float | None:
        """None where there is no sample."""
        samples = self.samples.get(workload, {}).get(allocator, [])
        if not samples:
            return None
        return max(statistics.median(METRICS[metric](s) for s in samples), LEAST[metric])

    def ratio(self, workload: str, allocator: str, metric: str) -> float | None:
        """The median over the best median in its row."""
        own = self.median(workload, allocator, metric)
        row = [self.median(workload, a.name, metric) for a in self.allocators]
        there = [value for value in row if value is not None]
        return None if own is None or not there else own / min(there)

    def complete(self, group: str) -> list[str]:
        """The group's rows in which every allocator has a figure."""
        return [
            w.name for w in self.workloads
            if w.group == group and len(self.samples.get(w.name, {})) == len(self.allocators)
        ]

    def mean_ratio(self, group: str, allocator: str, metric: str) -> float | None:
        """Geometric mean of the ratios over the group's complete rows; None where there is none."""
        ratios = [self.ratio(name, allocator, metric) for name in self.complete(group)]
        there = [r for r in ratios if r is not None]
        return statistics.geometric_mean(there) if there else None

    def groups(self) -> list[str]:
        return list(dict.fromkeys(w.group for w in self.workloads if w.name in self.samples))

    def figures(self) -> dict[str, object]:
        """Everything, as it is kept."""
        return {
            "workloads": {w.name: {"group": w.group, "what": w.what} for w in self.workloads},
            "geometric_means": {
                group: {
                    metric: {a.name: self.mean_ratio(group, a.name, metric) for a in self.allocators}
                    for metric in METRICS
                }
                for group in self.groups()
            },
            "failures": [what for _, what in self.failures],
            "samples": {
                name: {a: [s.as_json() for s in samples] for a, samples in row.items()}
                for name, row in self.samples.items()
            },
        }

    def save(self, stem: str) -> Path:
        """Writes everything under bench/results/ and returns where."""
        return keep(stem, self.allocators, self.figures())


def keep(stem: str, allocators: list[Allocator], figures: dict[str, object]) -> Path:
    """Writes figures under bench/results/ with what a reader needs to judge them by."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{stem}.json"
    write(path, allocators, figures)
    return path


def write(path: Path, allocators: list[Allocator], figures: dict[str, object]) -> None:
    """The same into any file."""
    document = {
        "machine": machine(),
        "command": command(),
        "allocators": {
            a.name: {"version": a.version(), "environment": a.environment} for a in allocators
        },
        **figures,
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def command() -> str:
    """The command line that makes these figures again."""
    return os.environ.get("TARN_BENCH_COMMAND") or " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _first(path: str, start: str = "") -> str:
    """The first line of a file that begins with `start`, or nothing."""
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith(start):
                return line.partition(": ")[2].strip() if start else line.strip()
    except OSError:
        pass
    return ""


def machine() -> dict[str, str | int]:
    """What a reader needs to know to judge the figures."""
    huge = _first("/sys/kernel/mm/transparent_hugepage/enabled")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "processor": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "processors": os.cpu_count() or 0,
        "memory": _first("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "system": _first("/etc/os-release", "PRETTY_NAME") or _pretty_name(),
        "huge_pages": huge[huge.find("[") + 1 : huge.find("]")] if "[" in huge else "unknown",
        "load_at_start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "python": platform.python_version(),
    }


def _pretty_name() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()
