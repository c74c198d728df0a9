"""The verbs that only look: info, check, map, roots, diff."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
import unittest
import xml.etree.ElementTree
import zlib

from heap_subject import TARN, HeapTest


def png_size(path):
    """Width, height and how many different bytes its picture has; every chunk's sum is checked."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, picture, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        picture += body if kind == b"IDAT" else b""
        at += 12 + length
    return *size, len(set(zlib.decompress(picture)))


class Info(HeapTest):
    def test_closed(self):
        town = self.town()
        info = self.json("info", town)
        self.assertEqual(info["state"], "closed")
        self.assertEqual((info["layout"], info["named_roots"], info["root"]), ("town", 2, True))
        self.assertEqual(info["capacity"], 1 << 20)
        self.assertEqual(info["file_size"], os.path.getsize(town))
        self.assertEqual(info["journal_size"], 0)
        text = self.heap("info", town)
        self.assertIn(info["id"], text)
        self.assertIn(info["base"], text)
        self.assertRegex(text, r"state +closed\n")

    def test_left_by_a_crash(self):
        town = self.town(size=1500)
        before = self.json("info", town)["last_commit"]
        self.make("torn", "town.tarn")
        info = self.json("info", town)
        self.assertEqual(info["state"], "crashed")
        self.assertGreaterEqual(info["journal_commits"], 2)
        self.assertEqual(info["last_commit"], before + 2)
        self.assertTrue(info["incomplete_commit"])
        self.assertIn("incomplete commit, which opening drops", self.heap("info", town))

    def test_in_use(self):
        town = self.town(size=1500)
        before = self.json("info", town)["last_commit"]
        holder = self.hold(town)
        info = self.json("info", town)
        self.assertEqual((info["state"], info["writer"]), ("open", holder.pid))
        self.assertEqual(info["last_commit"], before + 1)
        self.assertFalse(info["incomplete_commit"])

    def test_in_use_in_shared_mode(self):
        town = self.town(size=1500)
        holder = self.hold(town, "hold-shared")
        info = self.json("info", town)
        self.assertEqual((info["state"], info["writer"]), ("open", holder.pid))
        self.assertNotIn("used", info)
        for verb in ("check", "map", "roots"):
            self.assertIn(f"process {holder.pid} has it open", self.heap(verb, town, expect=1))

    def test_not_closed_in_shared_mode(self):
        shared = self.make("shared", "shared.tarn")
        self.assertEqual(self.json("info", shared)["state"], "unclean")
        self.assertIn("not closed in shared mode", self.heap("check", shared, expect=3))
        self.assertEqual(len(self.json("roots", shared)), 1)


class OtherBytes(HeapTest):
    """Names that are no UTF-8 are told in JSON all the same."""

    def test_path_and_layout(self):
        path = os.path.join(os.fsencode(self.folder.name), b"l\xe4k\xc3\xa9.tarn")
        subprocess.run([TARN, "heap", "create", "--capacity=1M", "--layout", b"t\xf6wn", path], check=True,
                       capture_output=True, timeout=60)
        for verb in (["info"], ["check"], ["diff", path]):
            done = subprocess.run([TARN, "heap", *verb, path, "--json"], check=True, capture_output=True, timeout=60)
            told = json.loads(done.stdout)
            if verb == ["info"]:
                self.assertEqual(told["layout"], "t\ufffdwn")
            self.assertTrue(told.get("file", told.get("a")).endswith("/l\ufffdk\u00e9.tarn"), told)


class Refusals(HeapTest):
    VERBS = ("info", "check", "map", "roots", "export", "compact")

    def refuse(self, path, words):
        for verb in self.VERBS:
            self.assertRegex(self.heap(verb, path, expect=1), f"^tarn heap {verb}: .*{words}", verb)

    def test_no_file(self):
        self.refuse(self.path("none"), "none: cannot be opened")

    def test_a_folder(self):
        self.refuse(self.folder.name, "(is no regular file|cannot be opened)")

    def test_another_kind(self):
        with open(self.path("database"), "w") as file:
            file.write("SQLite format 3\0" * 1000)
        self.refuse(self.path("database"), "is no image of Tarn's")

    def test_truncated(self):
        town = self.town()
        os.truncate(town, 70000)
        for verb in ("map", "roots", "compact"):
            self.assertIn("truncated", self.heap(verb, town, expect=1))

    def test_misuse(self):
        town = self.town()
        self.assertIn("there is no option '--jsno'", self.heap("info", "--jsno", town, expect=2))
        self.assertIn("'tarn heap info --help'", self.heap("info", expect=2))
        self.assertIn("not also", self.heap("roots", town, town, expect=2))
        self.assertIn("is 'check' meant?", self.heap("chekc", town, expect=2))
        self.assertIn("needs a value", self.heap("map", town, "--svg", expect=2))
        self.assertIn("what is to be done is missing", self.heap(expect=2))

    def test_every_verb_has_help(self):
        listing = self.heap("--help")
        verbs = re.findall(r"^  (\w+) ", listing, re.M)
        self.assertEqual(len(verbs), 10)
        for verb in verbs:
            self.assertTrue(self.heap(verb, "--help").startswith(f"usage: tarn heap {verb} "))
            self.assertEqual(self.heap(verb, "--help"), self.heap("help", verb))


class Check(HeapTest):
    def test_whole(self):
        for path in (self.town(), self.make("pool", "pool.tarn")):
            self.assertEqual(self.heap("check", path), f"{path}: whole\n")

    def test_first_damage_and_all(self):
        town = self.town()
        first = self.json("info", town)
        space = 65536 + -(-first["capacity"] // 512 // 65536) * 65536
        for page in (17, 33):
            self.overwrite(town, space + page * 4096 + 100, b"damage")
        said = self.heap("check", town, expect=3)
        self.assertIn(f"{town}: at {space + 17 * 4096}: a page is not what was written\n", said)
        self.assertIn("--all lists them", said)
        found = self.json("check", "--all", town, expect=3)
        self.assertFalse(found["whole"])
        offsets = [one["offset"] for one in found["findings"]]
        self.assertIn(space + 17 * 4096, offsets)
        self.assertIn(space + 33 * 4096, offsets)

    def test_while_in_use(self):
        town = self.town(size=1500)
        self.hold(town)
        self.assertIn("whole", self.heap("check", town))

    def test_interrupted(self):
        town = self.town(size=200000)
        before = os.stat(town)
        checker = subprocess.Popen([TARN, "heap", "check", town], stderr=subprocess.PIPE, text=True)
        time.sleep(0.01)
        while checker.poll() is None:  # until its handler stands, and in case it was not yet in the loop
            try:
                with open(f"/proc/{checker.pid}/status") as status:
                    if re.search(r"SigCgt:\s+\w*[2367abef]$", status.read(), re.M):
                        break
            except FileNotFoundError:
                break
        checker.send_signal(signal.SIGINT)
        self.assertEqual((checker.wait(timeout=30), checker.stderr.read()),
                         (130, "tarn heap check: interrupted; nothing was left behind\n"))
        checker.stderr.close()
        self.assertEqual(os.stat(town).st_mtime_ns, before.st_mtime_ns)


class Map(HeapTest):
    def test_text(self):
        town = self.town(size=600)
        text = self.heap("map", town)
        self.assertNotIn("\033", text)
        rows = re.findall(r"^ *[\d.]+ \w+  ([A-Za-z.-]{32})$", text, re.M)
        self.assertEqual(len(rows), 8)
        self.assertRegex(rows[0], r"^T[T.]{15}")  # the tables, as far as the file has them
        self.assertTrue({"a", "b", "c"} <= set("".join(rows).lower()))
        self.assertIn("one character is 4.00 KiB", text)

    def test_tables_that_are_not_there(self):
        """The table of slices of a large image is long, and little of it is in the file."""
        path = self.path("wide.tarn")
        self.heap("create", "--capacity", "64G", path)
        text = self.heap("map", path)
        self.assertRegex(text, r"Tarn's own +\d+(\.\d+)? KiB\n")
        self.assertRegex(text, r"nothing +[\d.]+ MiB  not in the file")

    def test_marks(self):
        town = self.town(size=1500)
        self.hold(town)
        text = self.heap("map", town)
        self.assertIn("in the journal", text)
        lines = text.splitlines()
        marks = [i for i, line in enumerate(lines) if re.fullmatch(r" {11}[ *!]*[*!]", line)]
        self.assertTrue(marks)
        for i in marks:  # beneath what is there, which they do not hide
            self.assertRegex(lines[i - 1], r"^ *[\d.]+ \w+  [A-Za-z.-]+$")
            self.assertLessEqual(len(lines[i]), len(lines[i - 1]))
        self.assertRegex(text, r"!   not committed +4[04]\.0 KiB")

    def test_interrupted_while_it_prints(self):
        """As any program that prints, to a pipe that nobody empties: no word of a failed write."""
        town = self.town(size=600)
        for end in os.pipe():
            self.addCleanup(os.close, end)
        full = end
        os.set_blocking(full, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(full, b"x" * 4096)
        os.set_blocking(full, True)
        drawer = subprocess.Popen([TARN, "heap", "map", town], stdout=full, stderr=subprocess.PIPE, text=True)
        quiet = 0
        while quiet < 10:  # it waits for room
            time.sleep(0.02)
            with open(f"/proc/{drawer.pid}/stat") as stat:
                quiet = quiet + 1 if stat.read().rsplit(")", 1)[1].split()[0] == "S" else 0
        drawer.send_signal(signal.SIGINT)
        self.assertEqual((drawer.wait(timeout=30), drawer.stderr.read()), (-signal.SIGINT, ""))
        drawer.stderr.close()

    def test_pool(self):
        text = self.heap("map", self.make("pool", "pool.tarn"))
        self.assertRegex(text, r"pools +\d+ KiB  3,\d{3} objects")
        self.assertRegex(text, r"to 64 bytes +16 B  1 block\n")  # the one beside it

    def test_pictures(self):
        for size in (300, 30000):
            town = self.town(f"town{size}.tarn", size)
            svg, png = self.path("map.svg"), self.path("map.png")
            self.assertEqual(self.heap("map", town, "--svg", svg, "--png", png), "")
            width, height, colours = png_size(png)
            self.assertEqual(width, 1440)
            self.assertGreater(height, 400)
            self.assertGreater(colours, 20)
            root = xml.etree.ElementTree.parse(svg).getroot()
            self.assertTrue(root.tag.endswith("svg"))
            self.assertGreater(len(list(root.iter())), 200)

    def test_cannot_be_written(self):
        self.assertIn("cannot be drawn", self.heap("map", self.town(), "--png", "/nowhere/map.png", expect=1))

    def test_damaged(self):
        town = self.town(size=600)
        size = os.path.getsize(town)
        space = 65536 * 2
        self.overwrite(town, space + 8192 + 64 * 3, os.urandom(256))
        self.overwrite(town, space + 8192 + 64 * 9 + 8, bytes(8))
        self.heap("map", town)
        self.heap("map", town, "--png", self.path("map.png"))
        self.heap("export", town)
        self.assertEqual(size, os.path.getsize(town))


class Roots(HeapTest):
    def test_list(self):
        roots = {root["name"]: root for root in self.json("roots", self.town())}
        self.assertEqual(set(roots), {"", "people", "name"})
        self.assertEqual((roots["people"]["size"], roots["people"]["type"]), (640, 0x70656F))
        self.assertRegex(self.heap("roots", self.path("town.tarn")), r"0x\w+ +640 +0x70656f +people\n")

    def test_none(self):
        self.heap("create", "--capacity", "1M", self.path("new.tarn"))
        self.assertIn("no roots", self.heap("roots", self.path("new.tarn")))


class Diff(HeapTest):
    def test_same(self):
        town = self.town()
        shutil.copy(town, self.path("copy.tarn"))
        self.assertIn("the same", self.heap("diff", town, self.path("copy.tarn")))

    def test_changes(self):
        town = self.town()
        shutil.copy(town, self.path("copy.tarn"))
        self.make("change", "copy.tarn")
        found = self.json("diff", "--list", town, self.path("copy.tarn"), expect=3)
        self.assertFalse(found["same"])
        self.assertEqual({(root["what"], root["name"]) for root in found["roots"]},
                         {("removed", "name"), ("added", "new")})
        people = next(r for r in self.json("roots", town) if r["name"] == "people")
        self.assertIn({"what": "changed", "address": people["address"], "size": 640}, found["block_list"])
        self.assertEqual(found["blocks_changed"], 2)
        self.assertGreater(found["blocks_added"], 0)
        self.assertEqual(found["pages_differ"], sum(one["size"] for one in found["page_list"]) // 4096)
        text = self.heap("diff", town, self.path("copy.tarn"), expect=3)
        self.assertIn("roots     2 differ", text)

    def test_pending_commits_count(self):
        town = self.town(size=1500)
        shutil.copy(town, self.path("copy.tarn"))
        self.make("pending", "copy.tarn")
        found = self.json("diff", town, self.path("copy.tarn"), expect=3)
        self.assertEqual(found["commit_b"], found["commit_a"] + 2)
        self.assertEqual(found["blocks_added"], 2)


unittest.main()
