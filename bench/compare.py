#!/usr/bin/env python3
"""Allocators compared: every workload on every allocator, A B C A B C, medians.

Prints each row's best figure and how many times it each allocator needs, with geometric means, and
keeps everything under bench/results/. Its questions and answers are in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

from suite import page, patterns, plot, programs, table  # noqa: E402
from suite.allocators import AllocatorError, add_options, chosen  # noqa: E402
from suite.measure import LAUNCHER, Workload, WorkloadError, run  # noqa: E402
from suite.results import RESULTS, Results, write  # noqa: E402

GROUPS = ("micro", "patterns", "programs")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", default=",".join(GROUPS), help="of micro,patterns,programs")
    parser.add_argument("--only", default="*", help="workloads by name, as 'redis*,server'")
    parser.add_argument("--runs", type=int, default=5, help="of each, the median counts (5)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, 3 runs")
    add_options(parser)
    parser.add_argument("--time", choices=("cpu", "wall"), default="wall", help="which time the plots show")
    parser.add_argument("--metrics", default="wall,cpu,peak,faults", help="which tables to print")
    parser.add_argument("--save", default="", metavar="NAME",
                        help="name of the files under bench/results/ (the date; 'no' keeps none)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write a page of plots and tables, HTML in one file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    parser.add_argument("--list", action="store_true", help="tell the workloads and end")
    return parser.parse_args()


def workloads(options: argparse.Namespace, room: Path) -> list[Workload]:
    """The rows asked for; programs are only prepared when one of them is."""
    wanted = options.only.split(",")

    def asked_for(name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in wanted)

    percent = 10 if options.quick else 100
    found = []
    for group in options.groups.split(","):
        if group not in GROUPS:
            raise AllocatorError(f"there is no group '{group}'; there are: {', '.join(GROUPS)}")
        if group in patterns.PROGRAMS:
            found += [w for w in patterns.workloads(group, percent) if asked_for(w.name)]
        found += [
            job.prepare(room) for job in programs.jobs(group, percent)
            if asked_for(job.name) and job.possible()
        ]
    for pattern in wanted:
        if not fnmatch.filter([workload.name for workload in found], pattern):
            raise AllocatorError(f"no workload here is named '{pattern}'; --list tells them")
    return found


def compare(rows: list[Workload], results: Results, runs: int) -> None:
    started = time.monotonic()
    for number, workload in enumerate(rows, 1):
        answers: dict[str, str] = {}
        failed: set[str] = set()
        for _ in range(runs):
            for allocator in results.allocators:
                if allocator.name in failed:
                    continue
                try:
                    sample = run(workload, allocator)
                except WorkloadError as error:
                    results.failures.append((allocator.name, str(error)))
                    failed.add(allocator.name)
                    continue
                answers.setdefault(sample.answer, allocator.name)
                results.add(workload, allocator, sample)
        if len(answers) > 1:
            who = ", ".join(answers.values())
            results.failures.append(("", f"{workload.name}: answers differ, first on: {who}"))
        if sys.stderr.isatty():
            passed = time.monotonic() - started
            print(f"\r{number}/{len(rows)} {workload.name:24} {passed:.0f} s", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)


def main() -> int:
    options = arguments()
    if not LAUNCHER.exists():
        print(f"{LAUNCHER} is not there: run 'make' first", file=sys.stderr)
        return 2
    try:
        allocators = chosen(options)
        with tempfile.TemporaryDirectory(prefix="tarn-bench-") as room:
            rows = workloads(options, Path(room))
            if options.list:
                print(table.columns([[w.name, w.group.ljust(8), w.what.ljust(1)] for w in rows]))
                return 0
            results = Results(allocators, rows)
            compare(rows, results, 3 if options.quick and options.runs == 5 else options.runs)
    except AllocatorError as error:
        print(error, file=sys.stderr)
        return 2
    print(table.full(results, options.metrics.split(",")))
    if options.save != "no":
        kept = results.save(options.save or time.strftime("%Y-%m-%d-%H%M"))
        plot.write(results, options.time, kept.with_suffix(".svg"))
        print(f"\nkept in {kept.relative_to(RESULTS.parent.parent)} and, drawn, in its .svg")
    if options.json is not None:
        write(options.json, allocators, results.figures())
    if options.page is not None:
        page.write(results, options.time, options.page)
    # A peer that fails is told of above; it is not our failure.
    return 1 if any(not name or name.startswith("tarn") for name, _ in results.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
