"""`tarn profile PID`: a profile started, written and stopped from outside, in programs that know nothing of it.
Usage: profile_orders.py TARN LIBRARY"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from pprof_file import Profile

TARN, LIBRARY = sys.argv[1:3]
del sys.argv[1:]
FOLDER = tempfile.mkdtemp()

# Much at one place, all of it kept; then what little a program does that waits.
PERL = '$| = 1; print "ready\\n"; my @keep; for (;;) { push @keep, "x" x 10000 if @keep < 3000; ' \
       'my $line = "y" x 50; select undef, undef, undef, 0.0005 }'
# The same two blocks for ever: no slow path but the owner's look at a slab's count.
STEADY = """
#include <stdlib.h>
#include <stdio.h>
int main(void)
{
    puts("ready");
    fflush(stdout);
    for (;;) {
        void *volatile block = malloc(100);
        free(block);
    }
}
"""


def start(*words, **variables):
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "LD_PRELOAD": LIBRARY, **variables})
    assert process.stdout.readline() == "ready\n"
    return process


def end(process):
    process.kill()
    process.wait()
    process.stdout.close()


def tarn(*words):
    done = subprocess.run([TARN, "profile", *map(str, words)], capture_output=True, text=True, timeout=60)
    if "no permission" in done.stderr and os.geteuid() != 0:
        raise unittest.SkipTest("may not read processes here")
    return done.returncode, done.stdout, done.stderr


class Orders(unittest.TestCase):
    def test_a_program_that_runs(self):
        process = start("perl", "-e", PERL)
        try:
            code, out, err = tarn(process.pid)
            self.assertEqual((code, out), (1, ""))
            self.assertIn("is not profiled", err)
            self.assertEqual(tarn("--start", "--interval", 1, process.pid), (0, "", ""))
            for _ in range(100):
                figures = json.loads(tarn("--json", process.pid)[1])
                live = sum(one["inuse_space"] for one in figures["stacks"])
                if live > 5000000:
                    break
                time.sleep(0.1)
            self.assertGreater(live, 5000000)
            self.assertEqual(figures["interval"], 1)
            self.assertTrue(any("Perl_" in name for one in figures["stacks"] for name in one["stack"]))
            self.assertEqual(tarn("--stop", "--dump", f"{FOLDER}/perl.pb.gz", process.pid), (0, "", ""))
            profile = Profile(f"{FOLDER}/perl.pb.gz")
            self.assertGreater(sum(values[3] for values, _ in profile.samples), 5000000)
            builds = {profile.strings[one[5]]: profile.strings[one.get(6, 0)] for one in profile.mappings.values()}
            self.assertRegex(next(build for path, build in builds.items() if "libc" in path), "^[0-9a-f]{40}$")
            self.assertEqual(tarn("--dump", f"{FOLDER}/perl.txt", process.pid)[0], 0)
            with open(f"{FOLDER}/perl.txt", encoding="utf-8") as file:
                self.assertRegex(file.read(), r"^live: \d+ bytes \(.*\n\n\d+ bytes .* allocated at\n    \w")
            self.assertIsNone(process.poll())
        finally:
            end(process)

    @unittest.skipUnless(shutil.which("google-pprof"), "google-pprof is not there")
    def test_google_pprof(self):
        process = start("perl", "-e", PERL)
        try:
            self.assertEqual(tarn("--start", "--interval", 4096, process.pid)[0], 0)
            time.sleep(1)
            self.assertEqual(tarn("--dump", f"{FOLDER}/perl.heap", process.pid)[0], 0)
        finally:
            end(process)
        shown = subprocess.run(["google-pprof", "--text", shutil.which("perl"), f"{FOLDER}/perl.heap"],
                               capture_output=True, text=True, check=True).stdout
        self.assertIn("Perl_", shown)

    def test_stopped_means_stopped(self):
        process = start("perl", "-e", PERL)
        try:
            self.assertEqual(tarn("--start", "--interval", 1, process.pid)[0], 0)
            time.sleep(0.3)
            self.assertEqual(tarn("--stop", process.pid)[0], 0)

            def allocated():
                return sum(one["alloc_objects"] for one in json.loads(tarn("--json", process.pid)[1])["stacks"])
            first = allocated()
            time.sleep(0.3)
            self.assertLessEqual(allocated() - first, 1)  # a thread's last block before it notices
            self.assertGreater(first, 0)
        finally:
            end(process)

    def test_a_program_that_never_leaves_its_fast_path(self):
        path = f"{FOLDER}/steady"
        subprocess.run(["cc", "-O1", "-fno-builtin", "-x", "c", "-", "-o", path], input=STEADY, text=True, check=True)
        process = start(path)
        try:
            self.assertEqual(tarn("--start", process.pid), (0, "", ""))
            for _ in range(100):
                stacks = json.loads(tarn("--json", process.pid)[1])["stacks"]
                if any("main" in one["stack"] for one in stacks):
                    break
                time.sleep(0.1)
            self.assertTrue(any("main" in one["stack"] for one in stacks))
        finally:
            end(process)

    def test_a_program_that_sleeps_and_one_that_cannot(self):
        process = start("perl", "-e", '$| = 1; print "ready\\n"; sleep 100')
        code, _, err = tarn("--start", "--wait", "0.2", process.pid)
        self.assertEqual(code, 1)
        self.assertIn("has not asked for memory", err)
        end(process)
        process = start("perl", "-e", PERL, TARN_CHECK="1")
        code, _, err = tarn("--start", process.pid)
        self.assertEqual(code, 1)
        self.assertIn("TARN_CHECK", err)
        end(process)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root, to be somebody else")
    def test_somebody_else_may_not(self):
        process = start("perl", "-e", PERL)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", TARN, "profile",
                               "--start", str(process.pid)], capture_output=True, text=True)
        code, _, err = tarn(process.pid)
        end(process)
        if done.returncode == 127 or "setpriv" in done.stderr:
            self.skipTest("the command cannot be started by another user")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"[Pp]ermission")
        self.assertEqual(code, 1)
        self.assertIn("is not profiled", err)

    def test_words(self):
        for words in (("--start", "file"), ("--start",), ("--interval", "0", "1"), ("--wait", "x", "1"),
                      ("--dump", "x", "file"), ("--begin", "1"), ("0",)):
            self.assertEqual(tarn(*words)[0], 2, words)
        self.assertIn("is '--stop' meant?", tarn("--sotp", "1")[2])


try:
    unittest.main()
finally:
    shutil.rmtree(FOLDER)
