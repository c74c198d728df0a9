"""Stacks of every kind, as a program that makes them knows them: each in the profile, as often as it was
made, and none besides. Usage: stack_walks.py STACK_WALKS"""

import collections
import os
import subprocess
import sys
import tempfile
import unittest

from pprof_file import Profile

PROGRAM = sys.argv.pop()


class Stacks(unittest.TestCase):
    def test_each_is_found_as_often_as_it_was_made(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "stacks.pb.gz")
            said = subprocess.run([PROGRAM, path], capture_output=True, text=True, timeout=100, check=True).stdout
            profile = Profile(path)
        made = {tuple(line.split()[1:]): int(line.split()[0]) for line in said.splitlines()}
        names = {name for stack in made for name in stack}
        found = collections.Counter()
        for values, functions in profile.samples:
            own = tuple(name for name in functions if name in names)
            if own and own[0].startswith("leaf_"):
                found[own] += values[0]
        self.assertEqual(dict(found), made)


unittest.main()
