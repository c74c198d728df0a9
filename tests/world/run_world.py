"""Runs one case: a real program on the system's allocator and on the one under test, with equal answers.
Usage: run_world.py CASE SCRATCH ROOT; the library is TARN_TEST_SUBJECT."""

import os
import sys

import compilers
import interpreters
import servers
import utilities
from world_run import run_case

CASES = {**compilers.CASES, **interpreters.CASES, **servers.CASES, **utilities.CASES}


def main():
    name, scratch, root = sys.argv[1:4]
    run_case(CASES[name], name, os.environ.get("TARN_TEST_SUBJECT", ""), scratch, root)


main()
