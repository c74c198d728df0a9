#!/usr/bin/env python3
"""Real programs of this machine on the system's allocator and on Tarn, A B A B, side by side."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

from suite import faces, programs  # noqa: E402
from suite.allocators import Allocator, AllocatorError, tarn  # noqa: E402
from suite.measure import LAUNCHER, Sample, WorkloadError, run  # noqa: E402
from suite.table import columns  # noqa: E402

SYSTEM = Allocator("system", Path("-"))  # nothing preloaded: the program as it is
PERCENT = 60  # of the work that the benchmarks give the same programs
# Those whose memory is the compiler's own affair twice over, or that say the same as another.
LEFT_OUT = ("clang-large",)


def change(before: float, after: float) -> str:
    """The difference in percent of what it was, with its sign."""
    if before == 0:
        return ""
    percent = round((after - before) / before * 100)
    return "=" if percent == 0 else f"{percent:+d}%"


def faults(sample: Sample) -> float:
    return (sample.minor_faults + sample.major_faults) / 1000


def row(name: str, system: list[Sample], ours: list[Sample]) -> list[str]:
    cells = [name]
    for pick, digits in ((lambda s: s.cpu, 2), (lambda s: s.peak * 1024 / 1e6, 0), (faults, 1)):
        before = statistics.median(pick(s) for s in system)
        after = statistics.median(pick(s) for s in ours)
        cells += [f"{before:.{digits}f}", f"{after:.{digits}f}", change(before, after)]
    return cells


def total(measured: list[tuple[list[Sample], list[Sample]]]) -> list[str]:
    """The geometric mean of each figure's change, so that no program counts more for being long."""
    cells = ["in the mean"]
    for pick in (lambda s: s.cpu, lambda s: float(s.peak), faults):
        ratios = [
            max(statistics.median(pick(s) for s in ours), 1e-9)
            / max(statistics.median(pick(s) for s in system), 1e-9)
            for system, ours in measured
        ]
        cells += ["", "", change(1, statistics.geometric_mean(ratios))]
    return cells


def compare(runs: int, percent: int) -> bool:
    """Measures, prints the table; whether every program gave the same answer on both."""
    columns_of = [SYSTEM, tarn()]
    rows = [
        ["", "seconds", "", "", "peak MB", "", "", "1000 faults", "", ""],
        ["program", *["system", "Tarn", ""] * 3],
    ]
    explained: list[tuple[str, str]] = []
    measured = []
    well = True
    with tempfile.TemporaryDirectory(prefix="tarn-run-") as room:
        for job in programs.jobs("programs", percent):
            if job.name in LEFT_OUT or not job.possible():
                continue
            print(f"  {job.name}: {job.what}", flush=True)
            workload = job.prepare(Path(room))
            samples: dict[str, list[Sample]] = {a.name: [] for a in columns_of}
            try:
                for _ in range(runs):
                    for allocator in columns_of:
                        samples[allocator.name].append(run(workload, allocator))
            except WorkloadError as error:
                print(f"  {error}")
                well = False
                continue
            if len({s.answer for taken in samples.values() for s in taken}) > 1:
                print(f"  {job.name} gave different answers")
                well = False
                continue
            explained.append((job.name, job.what))
            measured.append((samples["system"], samples["tarn"]))
            rows.append(row(job.name, *measured[-1]))
    if measured:
        rows.append(total(measured))
        print("\n" + columns(rows))
    return well and bool(measured)


def show_faces() -> bool:
    well = True
    for face in faces.FACES:
        print(f"\n{face.title}", flush=True)
        done = subprocess.run(face.command, cwd=faces.FOLDER, check=False)
        if done.returncode != 0:
            print(f"  failed with status {done.returncode}")
            well = False
    return well


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2, help="of each program on each allocator (2)")
    parser.add_argument("--percent", type=int, default=PERCENT, help=f"of the full work ({PERCENT})")
    options = parser.parse_args()
    if not LAUNCHER.exists():
        print(f"{LAUNCHER} is not there: run 'make' first", file=sys.stderr)
        return 2
    started = time.monotonic()
    print("Real programs of this machine, each on the system's allocator and on Tarn (LD_PRELOAD),")
    print(f"in turn, {options.runs} times; their answers must be the same.\n", flush=True)
    try:
        well = compare(options.runs, options.percent)
    except AllocatorError as error:
        print(error, file=sys.stderr)
        return 2
    print("\nseconds: processor time, user and system. peak MB: the most memory any one process of the")
    print("program held at once. faults: pages the kernel had to supply. Less is better everywhere.")
    well = show_faces() and well
    print(f"\n{'All right' if well else 'Something went wrong, see above'} ({time.monotonic() - started:.0f} s).")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
