"""Object pools side by side: Tarn's, libcork's, GLib's slices, APR's, Boost's, and malloc of the same
size. Usage: pools.py [--quick]

Times are the best of several runs, nanoseconds per object; instructions per pair are exact (callgrind),
the loop's own taken off; bytes per object are resident memory. Programs are in build/bench."""

import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "bench")
LOOP = 2  # instructions of the counted loop that are not the pool's

POOLS = ["tarn", "tarn-shared", "tarn-check", "boost", "cork", "cork-locked", "slice", "apr"]
MALLOCS = {"glibc": None, "jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2*"}
COLUMNS = ["pair", "free_in_order", "new_after_order", "free_random", "new_after_random",
           "new_after_random_touched", "two_own", "two_shared", "handed_over", "make_and_end"]
TITLES = ["pair", "free, in order", "new after it", "free, random", "new after it", "touched",
          "2 own", "2 shared", "handed", "make+end"]


def subjects():
    found = [(name, f"pool-{name}", None) for name in POOLS
             if os.path.exists(os.path.join(BUILD, f"pool-{name}"))]
    for name, library in MALLOCS.items():
        paths = sorted(glob.glob(f"/usr/lib/*/{library}")) if library else [None]
        if paths:
            found.append((f"malloc {name}", "pool-malloc", paths[0]))
    return found


def run(program, preload, case, size, before=()):
    environment = dict(os.environ)
    if preload:
        environment["LD_PRELOAD"] = preload
    done = subprocess.run([*before, os.path.join(BUILD, program), case, str(size)],
                          env=environment, capture_output=True, text=True, timeout=300, check=True)
    return done


def figures(program, preload, case, size, repeats):
    best = {}
    for _ in range(repeats):
        for line in run(program, preload, case, size).stdout.splitlines():
            name, _, figure = line.split()
            best[name] = min(float(figure), best.get(name, float("inf")))
    return best


def instructions(program, preload):
    with tempfile.NamedTemporaryFile() as out:
        done = run(program, preload, "count", 64,
                   ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}",
                    "--collect-atstart=no", "--toggle-collect=counted_pairs*"])
    collected = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    return int(collected.group(1)) / 20000 - LOOP


def cell(value, digits=1):
    return f"{value:.{digits}f}" if value is not None else "-"


def main():
    repeats = 1 if "--quick" in sys.argv else 3
    print("| pool | instructions | " + " | ".join(TITLES) + " | bytes at 8 / 24 / 64 / 200 |")
    print("| --- " * (len(TITLES) + 3) + "|")
    for name, program, preload in subjects():
        found = {}
        for case in ["pair", "batch", "own", "shared", "handed", "make"]:
            found.update(figures(program, preload, case, 64, repeats))
        if "new_only" in found:
            found["pair"] = found["new_only"]
        sizes = [figures(program, preload, "bytes", size, 1)["bytes"] for size in (8, 24, 64, 200)]
        row = [name, cell(instructions(program, preload))]
        row += [cell(found.get(column)) for column in COLUMNS]
        row.append(" / ".join(cell(size) for size in sizes))
        print("| " + " | ".join(row) + " |", flush=True)
    print("\nNanoseconds per object of 64 bytes. A pair is new and free; APR frees nothing, its pair is "
          "new alone.")


main()
