"""`tarn profile`: the forms it makes of a profile hold the profile's figures, by those who read them.
Usage: other_forms.py TARN PROFILE_KNOWN"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from pprof_file import Profile

TARN, KNOWN = sys.argv[1:3]
del sys.argv[1:]
FOLDER = tempfile.mkdtemp()
PATH = f"{FOLDER}/known.pb.gz"
subprocess.run([KNOWN], env={**os.environ, "TARN_PROFILE": PATH}, check=True, stdout=subprocess.DEVNULL)
PROFILE = Profile(PATH)
SITES = sorted({name for _, functions in PROFILE.samples for name in functions if name.startswith("site_")})


def tarn(*words, code=0):
    done = subprocess.run([TARN, "profile", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def profile_of_nothing(interval):
    """Of a program that has freed all of its blocks."""
    path = f"{FOLDER}/{interval}.pb.gz"
    subprocess.run([KNOWN, str(interval), f"{FOLDER}/before.pb.gz", path], check=True, stdout=subprocess.DEVNULL)
    return path


class Forms(unittest.TestCase):
    def test_text(self):
        out = tarn(PATH)
        for name in set(SITES) - {"site_churn"}:
            self.assertRegex(out, rf"(?m)^ +[\d.]+ \w+ +[\d.]+% +[\d.]+ \w+ +[\d.]+%  {name}$")

        self.assertNotIn("site_churn", out)  # which left nothing
        self.assertIn("site_churn", tarn("--value", "alloc_space", PATH))

    def test_text_of_nothing(self):
        """A program that freed everything, and one that was not sampled."""
        path = profile_of_nothing(4 << 20)
        for value, unit, other in (("inuse_space", " B", "alloc_space"), ("inuse_objects", "", "alloc_objects")):
            self.assertRegex(tarn("--value", value, path),
                             rf"^\w+ live: +0{unit}, a sample every 4194304 bytes\nno sampled block was live at the "
                             rf"end; --value {other} shows what was allocated\n$")
            self.assertIn("main", tarn("--value", other, path))
        self.assertRegex(tarn(profile_of_nothing(1 << 40)),
                         r"^bytes live: +0 B, a sample every \d+ bytes\nno sample was taken; .*\n$")

    def test_collapsed(self):
        for value, at in (("alloc_objects", 0), ("alloc_space", 1), ("inuse_objects", 2), ("inuse_space", 3)):
            lines = tarn("-f", "collapsed", "--value", value, PATH).splitlines()
            self.assertTrue(all(re.fullmatch(r"[^;]+(;[^;]+)* \d+", line) for line in lines))
            for name in SITES:
                self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in lines
                                     if line.rsplit(" ", 1)[0].endswith(f";{name}")),
                                 PROFILE.by_function(name)[at])

    def test_json(self):
        stacks = json.loads(tarn("--json", PATH))["stacks"]
        for name in SITES:
            self.assertEqual(sum(one["inuse_space"] for one in stacks if name in one["stack"]),
                             PROFILE.by_function(name)[3])

    @unittest.skipUnless(shutil.which("heaptrack_print"), "heaptrack_print is not there")
    def test_heaptrack(self):
        path = f"{FOLDER}/known.heaptrack"
        tarn("-f", "heaptrack", "-o", path, PATH)
        flames = f"{FOLDER}/flames"
        subprocess.run(["heaptrack_print", "-f", path, "-F", flames, "--flamegraph-cost-type", "leaked"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(flames, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for name in SITES:
            found = sum(int(line.rsplit(" ", 1)[1]) for line in lines if re.search(rf";{name};? ", line))
            live = PROFILE.by_function(name)[3]
            self.assertLessEqual(abs(found - live), live / 1000, name)

    def test_refusals(self):
        self.assertIn("cannot be opened", tarn(f"{FOLDER}/none", code=1))
        self.assertIn("is no profile", tarn(KNOWN, code=1))
        with open(PATH, "rb") as file:
            whole = file.read()
        for part in range(0, len(whole), 7):
            with open(f"{FOLDER}/part", "wb") as file:
                file.write(whole[:part])
            tarn(f"{FOLDER}/part", code=1)
        tarn("--format", "picture", PATH, code=2)
        tarn(code=2)


try:
    unittest.main()
finally:
    shutil.rmtree(FOLDER)
