"""Runs a program in a control group that may use 64 MiB, version 2 or, where memory is version 1's,
that: it must live. A program that holds more must not, or the limit is none. Usage: memory_group.py PROGRAM"""

import os
import signal
import subprocess
import sys

LIMIT = 64 << 20
HOG = "b = [bytes([i]) * (1 << 20) for i in range(200)]"


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(77)


def hierarchies():
    """Folder and limiting file of each memory controller that is mounted."""
    for line in open("/proc/self/mounts"):
        _, folder, kind, options = line.split()[:4]
        if kind == "cgroup2" and "memory" in open(folder + "/cgroup.subtree_control").read().split():
            yield folder, "memory.max"
        if kind == "cgroup" and "memory" in options.split(","):
            yield folder, "memory.limit_in_bytes"


def make_group():
    for folder, limit in hierarchies():
        group = f"{folder}/tarn-test-{os.getpid()}"
        try:
            os.mkdir(group)
        except OSError:
            continue
        try:
            for name in ("memory.swap.max", "memory.memsw.limit_in_bytes"):
                if limit == "memory.max" and os.path.exists(f"{group}/{name}"):
                    open(f"{group}/{name}", "w").write("0")
            open(f"{group}/{limit}", "w").write(str(LIMIT))
            return group
        except OSError:
            os.rmdir(group)
    return None


def run(group, command, **environment):
    def enter():
        open(group + "/cgroup.procs", "w").write(str(os.getpid()))

    return subprocess.run(command, preexec_fn=enter, env=dict(os.environ, **environment), timeout=100).returncode


def main():
    group = make_group()
    if group is None:
        skip("a memory control group this user may make")
    try:
        if run(group, [sys.executable, "-c", HOG]) != -signal.SIGKILL:
            skip("a control group whose limit is kept")
        code = run(group, [sys.argv[1]], LD_PRELOAD=os.environ.get("TARN_TEST_SUBJECT", ""))
        if code != 0:
            print(f"ended with {code}", file=sys.stderr)
            sys.exit(1)
    finally:
        os.rmdir(group)


main()
