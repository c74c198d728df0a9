"""What the tests of the tarn command share. Each is started as: TEST.py TARN, the built command."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TARN = os.path.abspath(sys.argv.pop())
BUILD = os.path.dirname(TARN)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def clean_environment(**more):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TARN_") and k != "LD_PRELOAD"}
    environment.update(more)
    return environment


def tarn(*words, folder=None, text=True, give=None, timeout=120, **variables):
    """Runs the command; returns its exit status, stdout and stderr."""
    done = subprocess.run([TARN, *map(str, words)], capture_output=True, text=text, cwd=folder, timeout=timeout,
                          errors="replace" if text else None,
                          input=give, stdin=None if give is not None else subprocess.DEVNULL,
                          env=clean_environment(**variables))
    return done.returncode, done.stdout, done.stderr


def have(*programs):
    return all(shutil.which(program) for program in programs)


def compile_program(folder, name, source, *flags):
    path = os.path.join(folder, name)
    subprocess.run(["gcc", "-O1", "-fno-builtin", "-o", path, "-x", "c", "-", *flags], input=source, text=True,
                   check=True)
    return path


class Case(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.TemporaryDirectory(prefix="tarn-tools-")
        self.addCleanup(self.room.cleanup)
        self.folder = self.room.name

    def path(self, name):
        return os.path.join(self.folder, name)
