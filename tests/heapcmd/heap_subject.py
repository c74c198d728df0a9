"""What the tests of `tarn heap` share. Arguments of each: TARN IMAGE_MAKER ROOT."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(sys.argv.pop())
MAKER = os.path.abspath(sys.argv.pop())
TARN = os.path.abspath(sys.argv.pop())
NOTICE = slice(8192, 8200)  # the last writer's process, for messages only


class HeapTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tarn-heap-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def make(self, kind, name, *more):
        subprocess.run([MAKER, kind, self.path(name), *map(str, more)], check=True, timeout=60)
        return self.path(name)

    def town(self, name="town.tarn", size=300):
        return self.make("town", name, size)

    def heap(self, *words, expect=0, **more):
        """What `tarn heap` prints; the other stream's text when it is expected to fail."""
        done = subprocess.run([TARN, "heap", *words], capture_output=True, text=True, timeout=60, **more)
        self.assertEqual(done.returncode, expect, (words, done.stdout[-500:], done.stderr))
        if expect == 0:
            self.assertEqual(done.stderr, "")
        return done.stdout if expect in (0, 3) else done.stderr

    def json(self, *words, expect=0):
        return json.loads(self.heap(*words, "--json", expect=expect))

    def hold(self, path, kind="hold"):
        """A process that has the image open; it ends when its input does."""
        holder = subprocess.Popen([MAKER, kind, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(holder.stdout.readline(), "ready\n")

        def let():
            holder.stdin.close()
            holder.wait(timeout=30)
            holder.stdout.close()

        self.addCleanup(let)
        return holder

    def contents(self, path):
        with open(path, "rb") as file:
            data = bytearray(file.read())
        data[NOTICE] = bytes(8)
        return bytes(data)

    def overwrite(self, path, at, data):
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(data)
