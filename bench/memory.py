#!/usr/bin/env python3
"""Does memory go back, how large is a small process, does fork work: by allocator.

The idle test churns 300 MB of mixed sizes, keeps one block in twenty, scattered, and sleeps; then it
frees them too and sleeps again. All allocators run it at the same time: it sleeps most of the time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

sys.dont_write_bytecode = True

from suite.allocators import BUILD, Allocator, AllocatorError, add_options, chosen  # noqa: E402
from suite.results import keep  # noqa: E402
from suite.table import columns  # noqa: E402

PROGRAMS = BUILD / "bench"
TITLES = {
    "idle": "memory back to the system, RSS in MB",
    "small": "a small process, MB",
    "forks": "forks while threads churn",
}


def ask(
    test: str, extra: list[str], allocators: list[Allocator], together: bool
) -> tuple[list[list[str]], bool]:
    """Runs a test on each allocator; its table, and whether all went well."""
    command = [str(PROGRAMS / f"bench-{test}"), *extra]
    running: list[tuple[Allocator, subprocess.Popen[str]]] = []
    rows: list[list[str]] = []
    well = True
    for allocator in allocators:
        process = subprocess.Popen(command, env=allocator.variables(), stdout=subprocess.PIPE, text=True)
        if not together:
            process.wait()
        running.append((allocator, process))
    for allocator, process in running:
        output, _ = process.communicate()
        well = well and process.returncode == 0
        figures = dict(line.split(": ") for line in output.splitlines())
        if not rows and figures:
            rows.append([TITLES[test], *figures])
        rows.append([allocator.name, *(list(figures.values()) or ["failed"] * (len(rows[0]) - 1 if rows else 0))])
    return rows, well


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", default="idle,small", help="of idle,small,forks (idle,small)")
    parser.add_argument("--forks", default="2000", help="how many forks the forks test makes")
    add_options(parser)
    parser.add_argument("--save", metavar="NAME", help="keep the figures in bench/results/NAME.json")
    options = parser.parse_args()
    tests = options.tests.split(",")
    if unknown := [t for t in tests if t not in TITLES]:
        parser.error(f"there is no test '{unknown[0]}'")
    if not (PROGRAMS / "bench-idle").exists():
        print(f"{PROGRAMS}/bench-idle is not there: run 'make' first", file=sys.stderr)
        return 2
    try:
        allocators = chosen(options)
    except AllocatorError as error:
        print(error, file=sys.stderr)
        return 2
    all_well = True
    tables: dict[str, object] = {}
    for test in tests:
        extra = [options.forks] if test == "forks" else []
        rows, well = ask(test, extra, allocators, together=test == "idle")
        all_well = all_well and well
        print(f"{columns(rows)}\n", flush=True)
        tables[TITLES[test]] = rows
    if options.save:
        keep(options.save, allocators, tables)
    return 0 if all_well else 1


if __name__ == "__main__":
    sys.exit(main())
