"""Branches of the freestanding heap that its tests take: all of them. Builds src/quick with gcc's
counters (-O0, so that a branch is one of the source), runs the tests, and adds up what every object
saw of a line.

    branches.py ROOT FOLDER
"""
import json
import os
import subprocess
import sys

TESTS = {  # program: its sources and arguments
    "units": (["test_quick.c", "quick_fixture.c"], []),
    "misuse": (["test_quick_misuse.c", "quick_fixture.c"], []),
    "regions": (["test_quick_regions.c", "quick_fixture.c"], []),
    "limits": (["test_quick_limits.c", "quick_fixture.c"], []),
    "invariants": (["test_quick_invariants.c", "quick_fixture.c"], []),
    "walk": (["test_quick_walk.c", "quick_fixture.c"], []),
    "damage": (["test_quick_damage.c", "quick_fixture.c"], []),
    "hosted": (["test_quick_hosted.c", "quick_fixture.c"], []),
    "model": (["test_quick_model.c", "quick_model.c"], ["20000", "3"]),
    "cases": (["quick_fuzz.c", "quick_model.c", "fuzz_main.c"], ["CASES"]),
}
CORE = "-DTN_CORE=static __attribute__((unused))"  # one function, not one copy in each caller


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def build(root, folder):
    """Compiles the heap with counters and runs the tests on it; returns the object files."""
    include = [f"-I{root}/include", f"-I{root}/src", f"-I{root}/tests/quick"]
    objects = []
    for name in sorted(os.listdir(f"{root}/src/quick")):
        if name.endswith(".c") and name != "quick_names.c":
            objects.append(f"{folder}/{name[:-2]}.o")
            run(["gcc", "-std=c11", "-O0", "--coverage", "-fprofile-update=atomic", CORE, *include, "-c", f"{root}/src/quick/{name}", "-o",
                 objects[-1]])
    for name, (sources, arguments) in TESTS.items():
        sources = [f"{root}/tests/quick/{source}" for source in sources]
        run(["gcc", "-std=gnu11", "-O1", *include, *sources, *objects, "--coverage", "-Wl,-u,__gcov_dump", "-lcmocka",
             "-lpthread", "-o",
             f"{folder}/{name}"])
    for name in os.listdir(folder):  # what an earlier run counted
        if name.endswith(".gcda"):
            os.remove(f"{folder}/{name}")
    for name, (_, arguments) in TESTS.items():
        run([f"{folder}/{name}", *[f"{root}/tests/quick/cases" if a == "CASES" else a for a in arguments]])
    return objects


def count(root, folder, objects):
    """{file: {(line, branch): times}} over all objects."""
    found = {}
    for made in objects:
        text = run(["gcov", "-b", "-j", "-t", os.path.basename(made)[:-2] + ".gcda"], cwd=folder)
        for document in text.splitlines():
            for file in json.loads(document)["files"]:
                path = os.path.realpath(os.path.join(folder, file["file"]))
                if os.path.dirname(path) != os.path.realpath(f"{root}/src/quick"):
                    continue
                branches = found.setdefault(os.path.basename(path), {})
                for line in file["lines"]:
                    for i, branch in enumerate(line["branches"]):
                        key = (line["line_number"], i)
                        branches[key] = branches.get(key, 0) + branch["count"]
    return found


def main():
    root, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    found = count(root, folder, build(root, folder))
    total = taken = 0
    for file, branches in sorted(found.items()):
        reached = sum(1 for times in branches.values() if times)
        if branches:
            print(f"  {file:16} {reached:4} of {len(branches):4} branches")
        total += len(branches)
        taken += reached
    print(f"{taken} of {total} branches taken ({100 * taken / total:.1f} %)")
    for file, branches in sorted(found.items()):
        lines = open(f"{root}/src/quick/{file}", encoding="utf-8").read().split("\n")
        for line in sorted({line for (line, _), times in branches.items() if times == 0}):
            print(f"FAILED: not taken: {file}:{line}: {lines[line - 1].strip()}")
    sys.exit(taken != total)


main()
