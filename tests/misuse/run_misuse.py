"""Runs one program that misuses the heap, with the library preloaded, and checks how it dies: by SIGABRT,
with exactly one line on stderr, which names the function called and the pointer, or by SIGSEGV where the
program itself accesses what it must not; as the library is by
default, unless only full checking finds it, and with full checking. Usage: run_misuse.py PROGRAM [TIMES]"""

import os
import re
import signal
import subprocess
import sys

from misuse_table import CHECKED, LINE, TABLE


def run(program, check):
    environment = dict(os.environ, LD_PRELOAD=os.environ.get("TARN_TEST_SUBJECT", ""), TARN_CHECK=check)
    return subprocess.run([program], env=environment, capture_output=True, text=True, timeout=30)


def fault_in(done, function, reason):
    announced = done.stdout.split()
    if not announced:
        return "it ended before the misuse"
    if reason is None:
        return None if done.returncode == -signal.SIGSEGV else f"it ended with {done.returncode}, not by SIGSEGV"
    if done.returncode != -signal.SIGABRT:
        return f"it ended with {done.returncode}, not by SIGABRT"
    wanted = LINE.format(function=function, pointer=announced[-1], reason=reason)
    if not re.fullmatch(wanted, done.stderr):
        return f"stderr is not {wanted!r}"
    return None


def main():
    program = sys.argv[1]
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    name = os.path.basename(program)
    function, reason = TABLE[name]
    for check in ["1"] if name in CHECKED else ["0", "1"]:
        for _ in range(times):
            done = run(program, check)
            if done.returncode == 77:
                sys.stderr.write(done.stderr)
                sys.exit(77)
            fault = fault_in(done, function, reason)
            if fault:
                print(f"TARN_CHECK={check}: {fault}\nstdout: {done.stdout!r}\nstderr: {done.stderr!r}")
                sys.exit(1)


main()
