"""`tarn top` on a process whose heap is known, and on those it cannot read.
Usage: top_views.py TARN LIBRARY TOP_SUBJECT TOP_SUBJECT_STATIC"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TARN, LIBRARY, SUBJECT, STATIC = sys.argv[1:5]
del sys.argv[1:]


def start(program, **variables):
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, **variables})
    assert process.stdout.readline() == "ready\n"
    return process


def end(process):
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def top(*words):
    done = subprocess.run([TARN, "top", *map(str, words)], capture_output=True, text=True, timeout=30)
    if "no permission" in done.stderr and os.geteuid() != 0:
        raise unittest.SkipTest("may not read processes here")
    return done.returncode, done.stdout, done.stderr


def looks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[11:13]  # processor time


class Views(unittest.TestCase):
    def hold(self, process):
        code, out, err = top("--json", process.pid)
        self.assertEqual((code, err), (0, ""))
        figures = json.loads(out)
        orders = next(one for one in figures["classes"] if one["size"] == 1024)
        self.assertLessEqual(abs(orders["live"] - 40000), 10)
        self.assertEqual(figures["large_blocks"], 20)
        self.assertGreater(figures["resident_bytes"], 40000000)
        self.assertLessEqual(abs(figures["live_bytes"] - 40000 * 1024 - 20 * 262144), 300000)
        return figures

    def test_preloaded(self):
        process = start(SUBJECT, LD_PRELOAD=LIBRARY)
        before = looks(process.pid)
        figures = self.hold(process)
        self.assertEqual(figures["sites"], [])
        self.assertEqual(looks(process.pid), before)
        end(process)

    def test_linked_in(self):
        process = start(STATIC)
        self.hold(process)
        end(process)

    def test_profiled(self):
        process = start(SUBJECT, LD_PRELOAD=LIBRARY, TARN_PROFILE="/dev/null", TARN_PROFILE_INTERVAL="1")
        code, out, _ = top("--json", process.pid)
        self.assertEqual(code, 0)
        sites = {one["stack"].split(" < ")[0]: one for one in json.loads(out)["sites"]}
        self.assertEqual(sites["make_orders"]["live_bytes"], 40000 * 1000)
        self.assertEqual(sites["make_orders"]["allocated_blocks"], 50000)
        self.assertEqual(sites["make_pictures"]["live_blocks"], 20)
        self.assertEqual(sites["make_nothing"]["live_blocks"], 0)
        out = top("--once", process.pid)[1]
        self.assertIn("make_orders", out)
        self.assertNotIn("make_nothing", out)
        end(process)

    def test_text(self):
        process = start(SUBJECT, LD_PRELOAD=LIBRARY, TARN_PROFILE="/dev/null")
        for words in (("--once", process.pid), (process.pid,)):
            code, out, err = top(*words)
            self.assertEqual((code, err), (0, ""))
            self.assertRegex(out, r"(?m)^ +1024 +\d+ +\d+ +\d+ +\d")
            self.assertRegex(out, r"(?m) make_orders < main")
        end(process)

    def test_errors(self):
        other = subprocess.Popen(["sleep", "100"])
        code, out, err = top(other.pid)
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, f"tarn top: process {other.pid} (sleep) does not run on Tarn\n")
        other.kill()
        other.wait()
        code, _, err = top(other.pid)
        self.assertEqual((code, err), (1, f"tarn top: there is no process {other.pid}\n"))
        for words in ((), ("nobody",), ("1", "2"), ("--delay", "0", "1"), ("-5",)):
            self.assertEqual(top(*words)[0], 2, words)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root, to be somebody else")
    def test_no_permission(self):
        process = start(SUBJECT, LD_PRELOAD=LIBRARY)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", TARN, "top",
                               str(process.pid)], capture_output=True, text=True)
        end(process)
        if done.returncode == 127 or "setpriv" in done.stderr:
            self.skipTest("the command cannot be started by another user")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^tarn top: .*[Pp]ermission")

    @unittest.skipUnless(shutil.which("tmux"), "tmux is not there")
    def test_screen(self):
        process = start(SUBJECT, LD_PRELOAD=LIBRARY, TARN_PROFILE="/dev/null")
        socket = f"{tempfile.mkdtemp()}/tmux"

        def tmux(*words):
            return subprocess.run(["tmux", "-S", socket, "-f", "/dev/null", *words], capture_output=True,
                                  text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})

        def wait_for(pattern):
            shown = ""
            for _ in range(100):
                shown = tmux("capture-pane", "-p").stdout
                if re.search(pattern, shown, re.S):
                    return shown
                time.sleep(0.1)
            self.fail(f"no {pattern} in\n{shown}")

        tmux("new-session", "-d", "-x", "100", "-y", "40",
             f"{TARN} top -d 0.1 {process.pid}; echo ended with $?; cat")
        shown = wait_for(r"tarn top +\d+ top_subject.*make_orders.*  1024 .*thread")
        self.assertIn("█", shown)
        tmux("resize-window", "-x", "60", "-y", "16")
        shown = wait_for(r"^tarn top.*q quit")
        self.assertTrue(all(len(line) <= 60 for line in shown.splitlines()))
        tmux("send-keys", "q")
        wait_for("ended with 0")
        tmux("respawn-window", "-k", f"{TARN} top -d 0.1 {process.pid}; echo ended with $?; cat")
        wait_for("make_orders")
        end(process)
        wait_for(r"has ended.*ended with 1")
        tmux("kill-server")


unittest.main()
