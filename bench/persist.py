"""Heaps in a file side by side: Tarn's images, libpmemobj, Boost.Interprocess; and commits beside
SQLite, LMDB and a plain write. Usage: persist.py [--quick] [FOLDER]

Programs are in build/bench/persist; files are made in FOLDER (build/). Pairs are nanoseconds of
processor time per thread, the rest is elapsed time, the best of several runs. libpmemobj runs with
PMEM_IS_PMEM_FORCE=1, without which it waits for the disk at every allocation."""

import glob
import os
import subprocess
import sys

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


def table(title, columns, keys, job, path, repeats, peers):
    print(f"\n{title:<34}" + "".join(f"{column:>11}" for column in columns))
    for label, name in peers:
        if not installed(name):
            print(f"{label:<34} not installed: {PACKAGES[name]}")
            continue
        found = figures(name, path, job(name), repeats)
        if found is not None:
            print(f"{label:<34}" + "".join(
                f"{found[key]:>11.4g}" if key in found else f"{'-':>11}" for key in keys))
        sys.stdout.flush()


def main():
    arguments = [a for a in sys.argv[1:] if a != "--quick"]
    quick = len(arguments) + 1 < len(sys.argv)
    folder = arguments[0] if arguments else os.path.join(ROOT, "build")
    path = os.path.join(folder, "bench-persist.tarn")
    pairs = 500000 if quick else 3000000
    table("malloc and free, ns", ["pair", "churn", "pair, 2", "churn, 2"],
          ["pair1", "churn1", "pair2", "churn2"],
          lambda name: ["pairs", str(pairs // SLOW.get(name, 1))], path, 3, PEERS)
    for nodes in [1000000] if quick else [1000000, 10000000]:
        table(f"list of {nodes:,} nodes of 64 B", ["build ns", "commit ms", "close", "open", "walk",
                                                   "close again"],
              ["build", "commit", "close", "open", "walk", "close_again"],
              lambda name, nodes=nodes: ["list", str(nodes)], path, 2, PEERS[1:])
    table("MiB on disk, 350 MiB live", ["live", "freed", "closed"], ["live", "freed", "closed"],
          lambda name: ["space"], path, 1, PEERS[1:])
    print()
    sys.stdout.flush()
    subprocess.run([os.path.join(PROGRAMS, "persist"), path, "256" if quick else "1024"],
                   check=True)
    clean(path)


main()
