"""The n-th memory system call of a process fails with ENOMEM: for every n once, and for every n from then
on. The program must not crash, hang, or find torn contents. From outside, by strace's fault injection; the
first calls are the loader's, whose own refusal to start is fair. Where a program makes more than MOST calls of a
kind (1,000) the later ones are tried ever more sparsely, up to the last. Usage: syscall_failures.py PROGRAM [MOST]"""

import os
import re
import shutil
import subprocess
import sys

CALLS = ["mmap", "mprotect", "madvise", "mremap", "munmap"]
PATIENCE = 60


def traced(program, extra, preload=os.environ.get("TARN_TEST_SUBJECT", "")):
    command = ["strace", "-f", "-qq", "-E", "LD_PRELOAD=" + preload, *extra, program]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return None


def count_calls(program):
    """How often each call is made, and how often before main."""
    log = program + ".strace"
    done = traced(program, ["-o", log, "-e", "trace=write," + ",".join(CALLS)])
    if done is None or done.returncode != 0:
        raise SystemExit(f"the program fails by itself: {done and done.stderr}")
    counts = dict.fromkeys(CALLS, 0)
    before_main = dict.fromkeys(CALLS, 0)
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            name = re.match(r"(?:\d+ +)?(\w+)\(", line)
            if name and name.group(1) in counts:
                counts[name.group(1)] += 1
            elif "refused_work: main" in line:
                before_main = dict(counts)
    os.unlink(log)
    return counts, before_main


def points(count, most):
    chosen = list(range(1, min(count, most) + 1))
    n = most
    while n < count:
        n = n * 6 // 5 + 1
        chosen.append(min(n, count))
    return chosen


def fault_of(done):
    if done is None:
        return "hangs"
    if done.returncode == 0:
        return None
    return f"ended with {done.returncode}: {done.stderr[-300:].strip()}"


def loader_refuses(program, done, injection):
    """True iff a failure before main is the loader's own: it says so and ends with 127, or does the same
    with nothing preloaded."""
    if done is not None and done.returncode == 127 and done.stderr:
        return True
    bare = traced(program, injection, preload="")
    return done is not None and bare is not None and bare.returncode == done.returncode


def main():
    program = sys.argv[1]
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    if shutil.which("strace") is None:
        print("skipped: strace is not on this machine", file=sys.stderr)
        sys.exit(77)
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode:
        print("skipped: strace may not trace here", file=sys.stderr)
        sys.exit(77)
    counts, before_main = count_calls(program)
    faults = []
    runs = 0
    for call in CALLS:
        for n in points(counts[call], most):
            for when in (f"{n}", f"{n}+"):
                injection = ["-o", "/dev/null", "-e", "trace=" + call,
                             "-e", f"inject={call}:error=ENOMEM:when={when}"]
                done = traced(program, injection)
                runs += 1
                fault = fault_of(done)
                if fault and n <= before_main[call] and loader_refuses(program, done, injection):
                    continue
                if fault:
                    faults.append(f"{call} {when}: {fault}")
                    print(faults[-1])
    kinds = ", ".join(f"{call} {counts[call]} ({before_main[call]} before main)" for call in CALLS)
    print(f"{runs} runs; calls: {kinds}")
    sys.exit(1 if faults else 0)


main()
