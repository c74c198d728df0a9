"""The verbs that make something: create, snapshot, compact, export, import."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from heap_subject import TARN, HeapTest


class Create(HeapTest):
    def test_usual(self):
        new = self.path("new.tarn")
        self.assertIn("64.0 GiB of addresses", self.heap("create", new))
        self.assertEqual(self.json("info", new)["capacity"], 64 << 30)
        self.assertIn("whole", self.heap("check", new))

    def test_options(self):
        new = self.path("new.tarn")
        self.heap("create", "--capacity=3M", "--layout", "of mine", "--mode", "0600", "--base", "0x300000000000",
                  "--durability", "process", new)
        info = self.json("info", new)
        self.assertEqual((info["capacity"], info["layout"], info["base"]), (3 << 20, "of mine", "0x300000000000"))
        self.assertEqual(os.stat(new).st_mode & 0o777, 0o600)
        self.heap("create", "--capacity=010M", self.path("ten.tarn"))
        self.assertEqual(self.json("info", self.path("ten.tarn"))["capacity"], 10 << 20)

    def test_shared(self):
        self.heap("create", "--shared", "--capacity", "1M", self.path("new.tarn"))
        self.assertFalse(self.json("info", self.path("new.tarn"))["sums"])

    def test_refusals(self):
        town = self.town()
        self.assertIn("is there already", self.heap("create", town, expect=1))
        for option, value in (("--capacity", "many"), ("--capacity", "0"), ("--mode", "9"), ("--base", "here"),
                              ("--durability", "none")):
            self.assertIn(f"'{value}'", self.heap("create", option, value, self.path("no"), expect=2))
        self.assertIn("too little", self.heap("create", "--capacity", "4K", self.path("no"), expect=1))


class Snapshot(HeapTest):
    def test_of_an_image_in_use(self):
        town = self.town(size=1500)
        self.hold(town)
        copy = self.path("copy.tarn")
        self.assertIn("commit", self.heap("snapshot", town, copy))
        self.assertIn("whole", self.heap("check", copy))
        self.assertTrue(self.json("diff", town, copy)["same"])
        self.assertIn("File exists", self.heap("snapshot", town, copy, expect=1))

    def test_beside_the_journal_of_another(self):
        other = self.town(name="other.tarn", size=1500)
        self.make("pending", "other.tarn")
        os.remove(other)
        with open(other + "-journal", "rb") as file:
            journal = file.read()
        town = self.town()
        lines = self.heap("export", town)
        for verb, more in (("snapshot", {}), ("import", {"input": lines})):
            words = (town, other) if verb == "snapshot" else (other,)
            self.assertIn("-journal: is there already", self.heap(verb, *words, expect=1, **more))
        with open(other + "-journal", "rb") as file:
            self.assertEqual(file.read(), journal)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["other.tarn-journal", "town.tarn"])

    def test_interrupted(self):
        town = self.town(size=400000)
        copier = subprocess.Popen([TARN, "heap", "snapshot", town, self.path("copy.tarn")],
                                  stderr=subprocess.PIPE, text=True)
        while copier.poll() is None and len(os.listdir(self.folder.name)) < 2:
            time.sleep(0.001)
        copier.send_signal(signal.SIGINT)
        code, said = copier.wait(timeout=60), copier.stderr.read()
        copier.stderr.close()
        if code == 0:  # the file system shares blocks: there was nothing to interrupt
            self.assertIn("whole", self.heap("check", self.path("copy.tarn")))
            return
        self.assertEqual((code, said), (130, "tarn heap snapshot: interrupted; nothing was left behind\n"))
        self.assertEqual(os.listdir(self.folder.name), ["town.tarn"])


class Compact(HeapTest):
    def test_journal_and_free_pages(self):
        town = self.town(size=4000)
        self.make("pending", "town.tarn")
        people = next(r for r in self.json("roots", town) if r["name"] == "people")
        self.assertRegex(self.heap("compact", town), r"given back\n(.*\n)*  journal +.* -> +0 B\n")
        self.assertFalse(os.path.exists(town + "-journal"))
        self.assertIn("whole", self.heap("check", town))
        self.assertIn(people, self.json("roots", town))
        self.assertEqual(self.json("info", town)["state"], "closed")

    def test_in_use(self):
        town = self.town(size=1500)
        holder = self.hold(town)
        self.assertIn(f"process {holder.pid} has it open", self.heap("compact", town, expect=1))


    def test_interrupted_while_it_opens(self):
        town = self.town(size=100000)
        people = next(r for r in self.json("roots", town) if r["name"] == "people")
        self.make("pending", "town.tarn")
        for _ in range(20):  # an interrupt may come too late
            compact = subprocess.Popen([TARN, "heap", "compact", town], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            while not self.has_open(compact.pid, town):
                self.assertIsNone(compact.poll())
            compact.send_signal(signal.SIGINT)
            out, said = compact.communicate(timeout=60)
            if compact.returncode != 0:
                break
            self.make("pending", "town.tarn")
        self.assertEqual((compact.returncode, out, said),
                         (130, "", "tarn heap compact: interrupted; nothing was left behind\n"))
        self.assertIn("whole", self.heap("check", town))
        self.assertIn(people, self.json("roots", town))
        self.heap("compact", town)

    @staticmethod
    def has_open(process, path):
        try:
            folder = f"/proc/{process}/fd"
            return any(os.readlink(f"{folder}/{name}") == path for name in os.listdir(folder))
        except FileNotFoundError:
            return False


class ExportImport(HeapTest):
    def round_trip(self, path):
        lines, again, copy = self.path("lines"), self.path("again"), self.path("copy.tarn")
        self.heap("export", "--output", lines, path)
        self.heap("import", "--input", lines, copy)
        self.assertIn("whole", self.heap("check", copy))
        self.heap("export", "--output", again, copy)
        with open(lines) as one, open(again) as two:
            self.assertEqual(one.read(), two.read())
        return copy

    def test_byte_for_byte(self):
        for path in (self.town(), self.town("large.tarn", 20000), self.make("pool", "pool.tarn")):
            self.heap("compact", path)
            copy = self.round_trip(path)
            self.assertEqual(self.contents(path), self.contents(copy))
            for name in ("lines", "again", "copy.tarn"):
                os.unlink(self.path(name))

    def test_with_journal(self):
        town = self.town(size=1500)
        self.make("torn", "town.tarn")
        copy = self.round_trip(town)
        self.assertTrue(self.json("diff", town, copy)["same"])
        self.assertEqual(self.json("info", copy)["id"], self.json("info", town)["id"])

    def test_streams_and_new_id(self):
        town = self.town()
        lines = self.heap("export", town)
        self.heap("import", "--new-id", self.path("copy.tarn"), input=lines)
        self.assertTrue(self.json("diff", town, self.path("copy.tarn"))["same"])
        self.assertNotEqual(self.json("info", self.path("copy.tarn"))["id"], self.json("info", town)["id"])

    def test_lines_are_what_the_manual_says(self):
        town = self.town()
        lines = [json.loads(line) for line in self.heap("export", town).splitlines()]
        head, pieces, end = lines[0], lines[1:-1], lines[-1]
        self.assertEqual((head["tarn_export"], head["layout"]), (1, "town"))
        self.assertEqual(end["end"], len(pieces))
        kinds = {next(iter(piece)) for piece in pieces}
        self.assertTrue({"own", "block"} <= kinds <= {"own", "block", "object", "more", "free", "zero"})
        name = next(r for r in self.json("roots", town) if r["name"] == "name")
        block = next(piece for piece in pieces if piece.get("block") == name["address"])
        self.assertEqual(bytes.fromhex(block["hex"]), b"a name")

    def test_damaged_lines(self):
        lines = self.heap("export", self.town()).splitlines(keepends=True)
        middle = next(i for i, line in enumerate(lines) if '"block"' in line)
        changed = re.sub(r'"hex":"(..)', '"hex":"ff', lines[middle])
        for damaged, words in (
            (lines[:-1], "the end of the export is missing"),
            (lines[:middle] + lines[middle + 1 :], "is not whole"),
            (lines[:middle] + [changed] + lines[middle + 1 :], "is not whole"),
            (lines[:middle] + ["nonsense\n"] + lines[middle:], f"line {middle + 1}: is no line"),
            (lines[:middle] + ['{"what":1}\n'] + lines[middle:], "nothing that an export has"),
            (lines[:middle] + ['{"free":"0x10","hex":"00"}\n'] + lines[middle:], "outside the image"),
            (lines[:middle] + [lines[middle].replace('"hex":"', '"hex":"0')] + lines[middle:], "cannot be read"),
            (['{"tarn_export":2}\n'], "another version"),
            ([lines[0].replace('"version":', '"version":9')], "format version"),
            ([lines[0].replace("little", "big")], "another kind of machine"),
            (["{}\n"], "no export"),
            ([], "end of the export is missing"),
        ):
            self.assertIn(words, self.heap("import", self.path("copy.tarn"), input="".join(damaged), expect=1))
            self.assertEqual(os.listdir(self.folder.name), ["town.tarn"])

    def test_existing_files_are_left_alone(self):
        town = self.town()
        before = self.contents(town)
        lines = self.heap("export", town)
        self.assertIn("File exists", self.heap("import", town, input=lines, expect=1))
        self.assertIn("File exists", self.heap("export", "--output", town, town, expect=1))
        self.assertEqual(self.contents(town), before)
        self.assertEqual(os.listdir(self.folder.name), ["town.tarn"])

    def test_interrupted(self):
        town = self.town(size=100000)
        export = subprocess.Popen([TARN, "heap", "export", "--output", self.path("lines"), town],
                                  stderr=subprocess.PIPE, text=True)
        while export.poll() is None and not os.path.exists(self.path("lines")):
            time.sleep(0.001)
        export.send_signal(signal.SIGINT)
        self.assertEqual((export.wait(timeout=60), export.stderr.read()),
                         (130, "tarn heap export: interrupted; nothing was left behind\n"))
        export.stderr.close()
        self.assertEqual(os.listdir(self.folder.name), ["town.tarn"])

    def test_disk_full(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([TARN, "heap", "export", self.town()], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)


unittest.main()
