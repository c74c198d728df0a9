#!/usr/bin/env python3
"""Exact instructions per malloc+free pair, by allocator, counted by single steps."""

from __future__ import annotations

import argparse
import subprocess
import sys

sys.dont_write_bytecode = True

from suite.allocators import BUILD, LIBC, AllocatorError, add_options, chosen  # noqa: E402
from suite.results import keep  # noqa: E402
from suite.table import columns  # noqa: E402

COUNTER = BUILD / "bench" / "bench-count"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--save", metavar="NAME", help="keep the figures in bench/results/NAME.json")
    options = parser.parse_args()
    if not COUNTER.exists():
        print(f"{COUNTER} is not there: run 'make' first", file=sys.stderr)
        return 2
    try:
        allocators = chosen(options)
    except AllocatorError as error:
        print(error, file=sys.stderr)
        return 2
    rows: list[list[str]] = []
    for allocator in allocators:
        preload = [] if allocator.library == LIBC else ["--preload", str(allocator.library)]
        variables = {**allocator.variables(), "LD_PRELOAD": ""}
        done = subprocess.run([str(COUNTER), *preload], env=variables, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"{allocator.name}: {done.stderr}", file=sys.stderr)
            return 1
        figures = dict(line.split()[:2] for line in done.stdout.splitlines())
        if not rows:
            rows.append(["instructions per pair", *figures])
        rows.append([allocator.name, *figures.values()])
    print(columns(rows))
    if options.save:
        keep(options.save, allocators, {"instructions per malloc+free pair": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
