"""What insight costs: instructions by callgrind, exact, and processor time in turn, of a build without trace
points, of this one as it is, with statistics, and with the profile. Usage: insight_cost.py [--runs N]"""

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = f"{ROOT}/build"
PLAIN = f"{BUILD}/without-probes"
PROGRAMS = {
    "lua5.4: a table of 12 000 strings, sorted":
        ["lua5.4", "-e", "local t = {} for i = 1, 12000 do t[i] = 'item ' .. (i * 7919 % 12007) end "
                         "table.sort(t) print(#table.concat(t))"],
    "perl: 15 000 strings pushed and joined":
        ["perl", "-e", 'my @a; push @a, "s$_" for 1..15000; my $j = join ",", @a; print length $j'],
    "python3, PYTHONMALLOC=malloc: JSON to and fro":
        ["/usr/bin/python3", "-c", "import json\nfor i in range(2):\n"
                          " json.loads(json.dumps([{'n': j, 's': str(j)} for j in range(2000)]))"],
}
COLUMNS = {"without trace points": (PLAIN, {}), "as it is": (BUILD, {}), "statistics": (BUILD, {"TARN_STATS": "1"}),
           "profile at 512 KiB": (BUILD, {"TARN_PROFILE": "/dev/null"})}


def build_plain():
    for command in (["cmake", "--preset", "release", "-B", PLAIN, "-DCMAKE_C_FLAGS=-DTN_NO_PROBES"],
                    ["ninja", "-C", PLAIN, "libtarn.so"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout + done.stderr)


def environment(folder, variables, preload):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TARN_")}
    clean.update(variables, PYTHONMALLOC="malloc", PYTHONHASHSEED="0", PERL_HASH_SEED="0")
    if preload:
        clean["LD_PRELOAD"] = f"{folder}/libtarn.so"
    return clean


def pairs(folder, variables):
    done = subprocess.run([f"{BUILD}/bench/bench-count", "--preload", f"{folder}/libtarn.so"], text=True,
                          capture_output=True, check=True, env=environment(folder, variables, False))
    counts = (line.split() for line in done.stdout.splitlines())
    return {case: float(count) for case, count in counts if count != "-"} # samples fell unevenly, or not of this library


def instructions(words, folder, variables):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *words],
                          capture_output=True, text=True, env=environment(folder, variables, True))
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def processor_time(words, folder, variables):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env=environment(folder, variables, True), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def print_row(name, figures):
    print(f"| {name} | " + " | ".join(figures) + " |", flush=True)


def main():
    arguments = argparse.ArgumentParser(description="What insight costs.")
    arguments.add_argument("--runs", type=int, default=15, help="runs in turn, for times")
    runs = arguments.parse_args().runs
    build_plain()
    print_row("", COLUMNS)
    print_row("---", ["---"] * len(COLUMNS))
    counted = {name: pairs(*where) for name, where in COLUMNS.items()}
    for case in ("pair-16", "pair-1k", "pair-8k", "pair-128k", "batch-64"):
        print_row(case, [f"{counted[name][case]:.1f}" if case in counted[name] else "-" for name in COLUMNS])
    for program, words in PROGRAMS.items():
        if shutil.which(words[0]) is None:
            print_row(program, ["-"] * len(COLUMNS))
            continue
        figures = [instructions(words, *where) for where in COLUMNS.values()]
        print_row(f"{program} ({figures[0] / 1e6:.0f} million)",
                  ["100 %"] + [f"{100 * one / figures[0]:.2f} %" for one in figures[1:]])
        times = {name: [] for name in COLUMNS}
        for _ in range(runs):
            for name, where in COLUMNS.items():
                times[name].append(processor_time(words, *where))
        base = statistics.median(times["without trace points"])
        print_row(f"- processor time, medians of {runs} in turn",
                  [f"{statistics.median(one) / base:.3f}" for one in times.values()])


main()
