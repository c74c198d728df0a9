"""Heaps in a file side by side: Tarn's images, libpmemobj, Boost.Interprocess; and commits beside
SQLite, LMDB and a plain write. Usage: persist.py [--quick] [--only TEXT] [--save NAME] [FOLDER]

Programs are in build/bench/persist; files are made in FOLDER (build/); figures are kept in
bench/results/NAME.json, all those printed. Pairs are nanoseconds of
processor time per thread, the rest is elapsed time, the best of several runs. libpmemobj runs with
PMEM_IS_PMEM_FORCE=1, without which it waits for the disk at every allocation."""

import argparse
import glob
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True

from suite import results  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS = os.path.join(ROOT, "build", "bench", "persist")
PEERS = [("process heap", "process"), ("Tarn image", "tarn"),
         ("Boost.Interprocess", "boost"), ("libpmemobj", "pmemobj")]
PACKAGES = {"boost": "libboost-dev", "pmemobj": "libpmemobj-dev"}
SLOW = {"boost": 10, "pmemobj": 20}  # as many fewer pairs


def installed(name):
    return os.path.exists(os.path.join(PROGRAMS, f"peer-{name}"))


def clean(path):
    for name in glob.glob(path + "*"):
        os.unlink(name)


def figures(name, path, arguments, repeats):
    best = {}
    for _ in range(repeats):
        clean(path)
        done = subprocess.run([os.path.join(PROGRAMS, f"peer-{name}"), path, *arguments],
                              env={**os.environ, "PMEM_IS_PMEM_FORCE": "1"},
                              capture_output=True, text=True, timeout=900, check=False)
        clean(path)
        if done.returncode != 0:
            print(f"    {name}: {done.stderr.strip()}")
            return None
        for line in done.stdout.splitlines():
            key, number = line.split()
            best[key] = min(float(number), best.get(key, float("inf")))
    return best


def table(wanted, kept, title, columns, keys, job, path, repeats, peers):
    if wanted not in title:
        return
    rows = kept.setdefault(title, {})
    print(f"\n{title:<34}" + "".join(f"{column:>11}" for column in columns))
    for label, name in peers:
        if not installed(name):
            print(f"{label:<34} not installed: {PACKAGES[name]}")
            continue
        found = figures(name, path, job(name), repeats)
        if found is not None:
            rows[label] = dict(zip(columns, (found.get(key) for key in keys)))
            print(f"{label:<34}" + "".join(
                f"{found[key]:>11.4g}" if key in found else f"{'-':>11}" for key in keys))
        sys.stdout.flush()


def commits(kept, path, mib):
    """The program's own tables, printed as they come; kept line by line."""
    print()
    with subprocess.Popen([os.path.join(PROGRAMS, "persist"), path, mib], stdout=subprocess.PIPE,
                          text=True) as program:
        lines = []
        for line in program.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    if program.returncode != 0:
        sys.exit(program.returncode)
    kept["commits"] = lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--only", metavar="TEXT", default="", help="only the tables whose title has it")
    parser.add_argument("--save", metavar="NAME", help="keep the figures in bench/results/NAME.json")
    parser.add_argument("folder", nargs="?", default=os.path.join(ROOT, "build"), help="where files are made")
    options = parser.parse_args()
    path = os.path.join(options.folder, "bench-persist.tarn")
    pairs = 500000 if options.quick else 3000000
    kept = {}
    facts = {"machine": results.machine(), "command": results.command(), "tables": kept}
    table(options.only, kept, "malloc and free, ns", ["pair", "churn", "pair, 2", "churn, 2"],
          ["pair1", "churn1", "pair2", "churn2"],
          lambda name: ["pairs", str(pairs // SLOW.get(name, 1))], path, 3, PEERS)
    for nodes in [1000000] if options.quick else [1000000, 10000000]:
        table(options.only, kept, f"list of {nodes:,} nodes of 64 B",
              ["build ns", "commit ms", "close", "open", "walk", "close again", "disk/live"],
              ["build", "commit", "close", "open", "walk", "close_again", "ratio"],
              lambda name, nodes=nodes: ["list", str(nodes)], path, 2, PEERS[1:])
    table(options.only, kept, "MiB on disk, 350 MiB live", ["live", "freed", "closed"], ["live", "freed", "closed"],
          lambda name: ["space"], path, 1, PEERS[1:])
    if options.only in "commits":
        commits(kept, path, "256" if options.quick else "1024")
    clean(path)
    if options.save:
        with open(os.path.join(ROOT, "bench", "results", f"{options.save}.json"), "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=1)
            file.write("\n")


main()
