"""Runs one program that misuses the heap, with the library preloaded, and checks how it dies: by SIGABRT,
with exactly one line on stderr, which names the function called and the pointer. Usage:
run_misuse.py PROGRAM [TIMES]"""

import os
import re
import signal
import subprocess
import sys

from misuse_table import LINE, TABLE


def run_once(program, function, reason):
    environment = dict(os.environ, LD_PRELOAD=os.environ.get("TARN_TEST_SUBJECT", ""))
    done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=30)
    if done.returncode == 77:
        sys.stderr.write(done.stderr)
        sys.exit(77)
    announced = done.stdout.split()
    if not announced:
        return "it ended before the misuse"
    if done.returncode != -signal.SIGABRT:
        return f"it ended with {done.returncode}, not by SIGABRT"
    wanted = LINE.format(function=function, pointer=announced[-1], reason=reason)
    if not re.fullmatch(wanted, done.stderr):
        return f"stderr is not {wanted!r}"
    return None


def main():
    program = sys.argv[1]
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    function, reason = TABLE[os.path.basename(program)]
    for _ in range(times):
        fault = run_once(program, function, reason)
        if fault:
            environment = dict(os.environ, LD_PRELOAD=os.environ.get("TARN_TEST_SUBJECT", ""))
            again = subprocess.run([program], env=environment, capture_output=True, text=True)
            print(f"{fault}\nstdout: {again.stdout!r}\nstderr: {again.stderr!r}")
            sys.exit(1)


main()
