"""The sampled profile against a program that knows what it allocates: each format by a reader that is not
ours, un-sampled figures within six sigma, every block where every block is asked for.
Usage: profile_files.py PROFILE_KNOWN"""

import math
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from pprof_file import Profile

KNOWN = sys.argv.pop()
FOLDER = tempfile.mkdtemp()
INTERVAL = 512 * 1024


def run(*arguments, **variables):
    """Site: (blocks allocated, bytes allocated, blocks live, bytes live), and what stderr had."""
    environment = {**os.environ, **variables}
    done = subprocess.run([KNOWN, *arguments], capture_output=True, text=True, timeout=60, env=environment,
                          check=True)
    sites = {line.split()[0]: tuple(map(int, line.split()[1:])) for line in done.stdout.splitlines()}
    return sites, done.stderr


def sigma(blocks, total):
    """Of the un-sampled bytes of so many equal blocks."""
    if blocks == 0:
        return 0
    size = total / blocks
    chance = 1 - math.exp(-(size + 1) / INTERVAL)
    return size * math.sqrt(blocks * (1 - chance) / chance)


class Figures(unittest.TestCase):
    def hold(self, name, found, blocks, total):
        self.assertLessEqual(abs(found - total), 6 * sigma(blocks, total) + total / 500 + 1,
                             f"{name}: {found} bytes for {total}")

    def test_pprof(self):
        path = f"{FOLDER}/default.pb.gz"
        sites, errors = run(TARN_PROFILE=path)
        self.assertEqual(errors, "")
        profile = Profile(path)
        self.assertEqual(profile.types, ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"])
        self.assertEqual(profile.period, INTERVAL)
        self.assertGreater(profile.duration, 0)
        for name, (blocks, total, live_blocks, live) in sites.items():
            values = profile.by_function(name)
            if blocks:
                self.hold(name, values[1], blocks, total)
                self.assertLessEqual(abs(values[0] - blocks),
                                     6 * sigma(blocks, total) / (total / blocks) + blocks / 200 + 1, name)
            self.hold(name, values[3], live_blocks, live)

    def test_build_ids_are_those_of_the_files(self):
        path = f"{FOLDER}/ids.pb.gz"
        run(TARN_PROFILE=path)
        profile = Profile(path)
        named = {profile.strings[one[5]]: profile.strings[one.get(6, 0)] for one in profile.mappings.values()}
        self.assertIn(os.path.realpath(KNOWN), map(os.path.realpath, named))
        for file, build_id in named.items():
            if os.path.exists(file) and build_id:
                self.assertIn(build_id, subprocess.run(["readelf", "-n", file], capture_output=True,
                                                       text=True, check=True).stdout)

    @unittest.skipUnless(shutil.which("protoc"), "protoc is not there")
    def test_protoc_reads_it(self):
        path = f"{FOLDER}/protoc.pb.gz"
        run(TARN_PROFILE=path)
        text = subprocess.run(["protoc", "--decode_raw"], input=Profile(path).plain, capture_output=True,
                              check=True).stdout.decode()
        self.assertIn('6: "inuse_space"', text)
        self.assertRegex(text, r"(?m)^12: 524288$")

    def test_every_block(self):
        path = f"{FOLDER}/exact.pb.gz"
        sites, _ = run(TARN_PROFILE=path, TARN_PROFILE_INTERVAL="1")
        profile = Profile(path)
        for name, (blocks, total, live_blocks, live) in sites.items():
            values = profile.by_function(name)
            self.assertEqual(values[2:], [live_blocks, live], name)
            if blocks:
                self.assertEqual(values[:2], [blocks, total], name)

    def test_started_by_the_program_and_freed_after(self):
        first, second = f"{FOLDER}/first.pb.gz", f"{FOLDER}/second.pb.gz"
        sites, _ = run("1", first, second)
        for name, (_, _, live_blocks, live) in sites.items():
            self.assertEqual(Profile(first).by_function(name)[2:], [live_blocks, live], name)
            self.assertEqual(Profile(second).by_function(name)[2:], [0, 0], name)

    @unittest.skipUnless(shutil.which("google-pprof"), "google-pprof is not there")
    def test_google_pprof_reads_the_heap_text(self):
        path = f"{FOLDER}/text.heap"
        sites, _ = run(TARN_PROFILE=path)
        for option, at in (("--inuse_space", 2), ("--alloc_space", 0)):
            shown = subprocess.run(["google-pprof", "--text", "--show_bytes", option, KNOWN, path],
                                   capture_output=True, text=True, check=True).stdout
            own = {line.split()[5]: int(line.split()[0]) for line in shown.splitlines()
                   if re.match(r" *\d+ +[\d.]+% ", line)}
            for name, figures in sites.items():
                if figures[at]:
                    # One weight for all samples of a stack: coarser where sizes are near the interval.
                    self.assertIn(name, own)
                    self.assertLessEqual(abs(own[name] - figures[at + 1]),
                                         6 * sigma(*figures[at:at + 2]) + figures[at + 1] / 20, name)

    def test_one_file_for_each_process(self):
        run(TARN_PROFILE=f"{FOLDER}/many.%p.pb.gz")
        names = [name for name in os.listdir(FOLDER) if re.fullmatch(r"many\.\d+\.pb\.gz", name)]
        self.assertEqual(len(names), 1)

    def test_a_file_that_cannot_be_written_is_told(self):
        _, errors = run(TARN_PROFILE="/nowhere/at/all.pb.gz")
        self.assertRegex(errors, r"^tarn: TARN_PROFILE=/nowhere/at/all.pb.gz: cannot be written \(")

    def test_a_checked_process_says_why_there_is_no_profile(self):
        path = f"{FOLDER}/checked.pb.gz"
        _, errors = run(TARN_PROFILE=path, TARN_CHECK="1")
        self.assertRegex(errors, r"^tarn: TARN_PROFILE: no profile together with TARN_CHECK\n")

    def test_a_file_is_written_whole_or_not_at_all(self):
        folder = tempfile.mkdtemp()
        path = f"{folder}/kept.pb.gz"
        with open(path, "w", encoding="ascii") as file:
            file.write("the old one")
        os.chmod(path, 0o640)

        def small_files_only():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
        done = subprocess.run([KNOWN], capture_output=True, text=True, timeout=60, check=True,
                              env={**os.environ, "TARN_PROFILE": path}, preexec_fn=small_files_only)
        self.assertIn("cannot be written", done.stderr)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "the old one")
        run(TARN_PROFILE=path)
        self.assertGreater(Profile(path).period, 0)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)
        self.assertEqual(os.listdir(folder), ["kept.pb.gz"])

    def test_pipes_and_links_are_written_to(self):
        done = subprocess.run([KNOWN], capture_output=True, timeout=60, check=True,
                              env={**os.environ, "TARN_PROFILE": "/dev/stderr"})
        self.assertTrue(done.stderr.startswith(b"\x1f\x8b"), done.stderr[:100])
        path, link = f"{FOLDER}/linked.pb.gz", f"{FOLDER}/link.pb.gz"
        os.symlink(path, link)
        run(TARN_PROFILE=link)
        self.assertTrue(os.path.islink(link))
        self.assertGreater(Profile(path).period, 0)

    def test_leaks(self):
        sites, errors = run(TARN_LEAKS="1", TARN_PROFILE_INTERVAL="1")
        found = {(int(b), int(a)) for a, b in re.findall(r"(?m)^(\d+) bytes in (\d+) blocks, allocated at$",
                                                         errors)}
        for name, (_, _, blocks, total) in sites.items():
            if blocks:
                self.assertIn((blocks, total), found, name)
        self.assertIn("__libc_start_main", errors)

    def test_leaks_sampled(self):
        sites, errors = run(TARN_LEAKS="1")
        total = int(re.search(r"^tarn: live: about (\d+) bytes", errors).group(1))
        live = sum(site[3] for site in sites.values())
        deviation = math.sqrt(sum(sigma(*site[2:]) ** 2 for site in sites.values()))
        self.assertLessEqual(abs(total - live), 6 * deviation + live / 500)


try:
    unittest.main()
finally:
    shutil.rmtree(FOLDER)
