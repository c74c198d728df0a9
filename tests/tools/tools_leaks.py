"""`tarn leaks`, and `tarn run` with a profile: real programs, and the readers of the distribution."""

import json
import os
import re
import shutil
import subprocess
import time
import unittest

from tarn_command import TARN, Case, clean_environment, compile_program, have, tarn

LEAK = """
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) static void forget(void) { memset(malloc(1000), 1, 1000); }
__attribute__((noinline)) static void keep_none(void) { free(malloc(500)); }
int main(void) { for (int i = 0; i < 300; i++) { forget(); keep_none(); } return 3; }
"""
PERL = ["perl", "-e", "our @keep = map { q(x) x 1000 } 1..20000; print scalar @keep"]


class Leaks(Case):
    def test_every_block_of_a_program(self):
        compile_program(self.folder, "leak", LEAK, "-g", "-fno-builtin")
        code, out, err = tarn("leaks", "--exact", "./leak", folder=self.folder)
        self.assertEqual((code, out), (3, ""))
        self.assertTrue(err.startswith("live: 300000 bytes (293.0 KiB) in 300 blocks, from 1 stack\n"), err)
        self.assertRegex(err, r"\n300000 bytes \(293.0 KiB\) in 300 blocks, allocated at\n"
                              r"(?:    malloc .*\n)?"  # a frame of its own where nothing is optimised
                              r"    forget \(\S+:4\)\n    main ")
        self.assertNotIn("keep_none", err)
        code, _, _ = tarn("leaks", "--exact", "--json", "-o", self.path("list"), "./leak", folder=self.folder)
        with open(self.path("list"), encoding="utf-8") as file:
            stacks = json.load(file)["stacks"]
        found = {[name for name in one["stack"] if name != "malloc"][0]: one["inuse_objects"] for one in stacks}
        self.assertEqual((code, found["forget"], found["keep_none"]), (3, 300, 0))

    def test_a_real_program(self):
        code, out, err = tarn("leaks", "--exact", *PERL)
        self.assertEqual((code, out), (0, "20000"))
        self.assertGreater(int(re.match(r"live: (\d+) bytes", err).group(1)), 20_000_000)
        self.assertIn("Perl_", err)
        code, _, err = tarn("leaks", *PERL)
        total = int(re.match(r"live: about (\d+) bytes .* \(a sample every 524288 bytes\)", err).group(1))
        self.assertLess(abs(total - 21e6), 6 * (21e6 * 524288) ** 0.5)

    def test_statuses(self):
        self.assertEqual(tarn("leaks", "no-such-program")[0], 127)
        self.assertEqual(tarn("leaks", "/etc/passwd")[0], 126)
        code, _, err = tarn("leaks", "--", "sh", "-c", "kill -9 $$")
        self.assertEqual(code, 137)
        self.assertIn("did not come to its end", err)
        for words in ((), ("--exact",), ("--exakt", "true"), ("--interval", "none", "true"), ("0",)):
            self.assertEqual(tarn("leaks", *words)[0], 2, words)

    def test_nothing_stays_in_the_temporary_folder(self):
        before = {name for name in os.listdir("/tmp") if name.startswith("tarn-leaks")}
        reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
        done = subprocess.Popen([TARN, "leaks", "--exact", *PERL], stdout=subprocess.DEVNULL, stderr=reader.stdin,
                                env=clean_environment())
        reader.wait()
        done.wait()
        reader.stdin.close()
        self.assertEqual({name for name in os.listdir("/tmp") if name.startswith("tarn-leaks")} - before, set())

    def test_temporary_files_are_where_the_user_wants_them(self):
        words = ("leaks", "--", "perl", "-e", "print $ENV{TARN_PROFILE}; chdir \"/\"")
        code, out, _ = tarn(*words, TMPDIR=self.folder)
        self.assertEqual(code, 0)
        self.assertTrue(out.startswith(f"{self.folder}/tarn-leaks-"), out)
        os.mkdir(self.path("here"))
        code, out, _ = tarn(*words, folder=self.folder, TMPDIR="here")
        self.assertEqual(code, 0)
        self.assertTrue(out.startswith(f"{self.folder}/here/tarn-leaks-"), out)
        self.assertEqual(os.listdir(self.path("here")), [])
        code, _, err = tarn(*words, TMPDIR=self.path("none"))
        self.assertEqual(code, 125)
        self.assertIn(f"{self.folder}/none/tarn-leaks-", err)

    def test_a_process(self):
        program = ["perl", "-e", "our @keep = map { q(x) x 1000 } 1..5000; print 'ready'; $| = 1; print ''; sleep 60"]
        process = subprocess.Popen([TARN, "run", "-q", "-o", "profile=/dev/null", "-o", "profile-interval=1", "--",
                                    *program], stdout=subprocess.PIPE, env=clean_environment())
        process.stdout.read(5)
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            child = file.read().strip()
        code, out, err = tarn("leaks", child)
        process.terminate()
        self.assertEqual(process.wait(), 128 + 15)
        process.stdout.close()
        if "permission" in err and os.geteuid() != 0:
            self.skipTest("may not read processes here")
        self.assertEqual((code, err), (0, ""))
        self.assertGreater(int(re.match(r"live: (\d+) bytes", out).group(1)), 5_000_000)


class Profiles(Case):
    @unittest.skipUnless(have("google-pprof"), "google-pprof is not there")
    def test_google_pprof(self):
        tarn("run", "-q", "--profile", "perl.heap", "--", *PERL, folder=self.folder)
        shown = subprocess.run(["google-pprof", "--text", shutil.which("perl"), self.path("perl.heap")],
                               capture_output=True, text=True, check=True).stdout
        total = float(re.search(r"Total: ([\d.]+) MB", shown).group(1))
        self.assertLess(abs(total - 20), 20)
        self.assertIn("Perl_", shown)

    @unittest.skipUnless(have("heaptrack_print"), "heaptrack_print is not there")
    def test_heaptrack(self):
        tarn("run", "-q", "--profile", "perl.pb.gz", "--option", "profile-interval=1", "--", *PERL,
             folder=self.folder)
        self.assertEqual(tarn("profile", "-f", "heaptrack", "-o", "perl.heaptrack", "perl.pb.gz",
                              folder=self.folder)[0], 0)
        shown = subprocess.run(["heaptrack_print", "-f", self.path("perl.heaptrack")], capture_output=True, text=True,
                               check=True).stdout
        leaked = float(re.search(r"total memory leaked: ([\d.]+)M", shown).group(1))
        self.assertLess(abs(leaked - 21.5), 2)

    @unittest.skipUnless(have("protoc"), "protoc is not there")
    def test_protoc(self):
        tarn("run", "-q", "--profile", "perl.pb.gz", "--", *PERL, folder=self.folder)
        plain = subprocess.run(["gzip", "-dc", self.path("perl.pb.gz")], capture_output=True, check=True).stdout
        text = subprocess.run(["protoc", "--decode_raw"], input=plain, capture_output=True, check=True).stdout.decode()
        self.assertIn('6: "inuse_space"', text)

    def test_leaks_option(self):
        code, _, err = tarn("run", "-q", "--leaks", "--option", "profile-interval=1", "--", *PERL)
        self.assertEqual(code, 0)
        self.assertRegex(err, r"^tarn: live: \d{8} bytes in \d{5} blocks, from \d+ stacks\n")


class Signals(Case):
    def start(self, *words):
        process = subprocess.Popen([TARN, "run", "-q", *words], stdout=subprocess.PIPE, text=True,
                                   env=clean_environment())
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def end(self, process):
        code = process.wait(20)
        rest = process.stdout.read()
        process.stdout.close()
        return code, rest

    def test_they_go_on_to_the_program(self):
        for number in (1, 2, 3, 15):
            process = self.start("--", "perl", "-e", "$| = 1; print qq(ready\\n); sleep 60")
            process.send_signal(number)
            self.assertEqual(self.end(process), (128 + number, ""))

    def test_a_program_that_handles_them(self):
        process = self.start("--", "perl", "-e", "$SIG{TERM} = sub { print qq(told\\n); exit 7 }; $| = 1; "
                             "print qq(ready\\n); sleep 60 while 1")
        process.terminate()
        self.assertEqual(self.end(process), (7, "told\n"))

    def test_the_ignored_stay_ignored(self):
        process = self.start("--", "sh", "-c", "trap '' HUP; exec \"$0\" run -q -- perl -e '$| = 1; print qq(ready\\n); "
                             "sleep 1; print qq(done\\n)'", TARN)
        process.send_signal(1)
        self.assertEqual(self.end(process), (0, "done\n"))

    def test_the_program_is_the_only_child_that_is_told(self):
        before = time.monotonic()
        process = self.start("--", "sh", "-c", "echo ready; kill -TERM $PPID; exec sleep 60")
        self.assertEqual(self.end(process)[0], 128 + 15)
        self.assertLess(time.monotonic() - before, 50)


class Peak(Case):
    def test_a_small_program_is_smaller_than_the_command(self):
        _, out, _ = tarn("run", "--json", "--report", "/dev/stdout", "true")
        self.assertLess(json.loads(out)["peak_bytes"], 2_300_000)
        self.assertGreater(json.loads(out)["peak_bytes"], 500_000)
        _, out, _ = tarn("run", "--compare", "--runs", "1", "--allocators", "tarn,system", "--json", "true")
        peaks = {one["name"]: one["peak_bytes"] for one in json.loads(out)["allocators"]}
        self.assertLess(peaks["system"], peaks["tarn"])


unittest.main()
