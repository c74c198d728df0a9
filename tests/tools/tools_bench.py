"""`tarn bench`: from the build tree and from an installed copy; its page is whole, needs nothing but itself, and a
browser that is there shows it."""

import json
import os
import shutil
import struct
import subprocess
import unittest
import xml.etree.ElementTree as xml
import zlib

from tarn_command import BUILD, TARN, Case, clean_environment, tarn

FEW = ["--quick", "--runs", "1", "--only", "pair-64,batch-64,server", "--allocators", "tarn,glibc"]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pixels(path):
    """Width, height and rows of a PNG of 8-bit RGB or RGBA."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
        if kind == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += length + 12
    step = {2: 3, 6: 4}[colour]
    raw, rows, before = zlib.decompress(packed), [], bytearray(width * step)
    for y in range(height):
        line = bytearray(raw[y * (width * step + 1):(y + 1) * (width * step + 1)])
        kind, line = line[0], line[1:]
        for x in range(len(line)):
            left, up = (line[x - step] if x >= step else 0), before[x]
            corner = before[x - step] if x >= step else 0
            if kind == 1:
                line[x] = (line[x] + left) & 255
            elif kind == 2:
                line[x] = (line[x] + up) & 255
            elif kind == 3:
                line[x] = (line[x] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                nearest = min((left, up, corner), key=lambda v: abs(guess - v))
                line[x] = (line[x] + nearest) & 255
        rows.append([bytes(line[i:i + 3]) for i in range(0, len(line), step)])
        before = line
    return width, height, rows


class Bench(Case):
    def check_page(self, path, command):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(text.startswith("<!DOCTYPE html>"))
        tree = xml.fromstring(text[len("<!DOCTYPE html>"):])
        for element in tree.iter():
            name = element.tag.rpartition("}")[2]
            self.assertNotIn(name, ("script", "link", "img", "iframe", "object"))
            for attribute in ("src", "href", "{http://www.w3.org/1999/xlink}href"):
                self.assertIsNone(element.get(attribute))
        self.assertNotIn("url(", text)
        self.assertNotIn("@import", text)
        plots = [e for e in tree.iter() if e.tag.endswith("}svg")]
        self.assertEqual(len(plots), 2)  # micro and patterns
        # Two panels with a dot for each workload and for the mean, on two allocators.
        dots = [[e for e in plot.iter() if e.tag.endswith("}circle")] for plot in plots]
        self.assertEqual([len(d) for d in dots], [2 * 2 * (2 + 1), 2 * 2 * (1 + 1)])
        for plot in plots:
            _, _, width, height = map(float, plot.get("viewBox").split())
            for dot in (e for e in plot.iter() if e.tag.endswith("}circle")):
                self.assertTrue(0 < float(dot.get("cx")) < width and 0 < float(dot.get("cy")) < height)
        words = [(e.text or "").strip() for e in tree.iter()]
        for word in ("micro", "patterns", "pair-64", "server", "geometric mean", "tarn", "glibc", command):
            self.assertIn(word, words)
        return text

    def test_page_and_samples(self):
        page, samples = self.path("b.html"), self.path("b.json")
        code, out, err = tarn("bench", *FEW, "-o", page, "--json", samples, timeout=300)
        self.assertEqual((code, err), (0, f"the page will be in {page}\n"))
        self.assertIn("geometric mean", out)
        self.check_page(page, " ".join(["tarn bench", *FEW, "-o", page, "--json", samples]))
        with open(samples, encoding="utf-8") as file:
            said = json.load(file)
        self.assertEqual(sorted(said["samples"]["server"]), ["glibc", "tarn"])
        self.assertEqual(len(said["samples"]["server"]["tarn"]), 1)
        self.show(page)

    def show(self, page):
        """A browser has to draw it, dots in Tarn's colour among all, on light and on dark ground."""
        if BROWSER is None:
            print("NOTE: no chromium here: the page was parsed, but not drawn by a browser")
            return
        for scheme, light in (("0", False), ("1", True)):
            picture = self.path(f"b{scheme}.png")
            subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                            f"--user-data-dir={self.path('profile')}", f"--blink-settings=preferredColorScheme={scheme}",
                            "--window-size=1000,900", f"--screenshot={picture}", f"file://{page}"],
                           capture_output=True, timeout=100, check=True)
            width, height, rows = pixels(picture)
            self.assertEqual((width, height), (1000, 900))
            self.assertEqual(rows[2][2][0] > 128, light)
            tarns = sum(row.count(bytes((0xd5, 0x5e, 0x00))) for row in rows)
            others = sum(row.count(bytes((0x00, 0x72, 0xb2))) for row in rows)
            self.assertGreater(tarns, 300)
            self.assertGreater(others, 150)
        print(f"drawn by {BROWSER}")

    def test_an_installed_copy(self):
        prefix = self.path("usr")
        for component in ("bin", "lib/tarn/bench", "share/tarn/bench"):
            os.makedirs(os.path.join(prefix, component))
        shutil.copy(TARN, os.path.join(prefix, "bin"))
        shutil.copy(os.path.join(BUILD, "libtarn.so"), os.path.join(prefix, "lib"))
        for name in ("bench-micro", "bench-pattern", "bench-measure"):
            shutil.copy(os.path.join(BUILD, "bench", name), os.path.join(prefix, "lib/tarn/bench"))
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
        for name in ("suite", "programs"):
            shutil.copytree(os.path.join(source, name), os.path.join(prefix, "share/tarn/bench", name))
        shutil.copy(os.path.join(source, "compare.py"), os.path.join(prefix, "share/tarn/bench"))
        done = subprocess.run([os.path.join(prefix, "bin", "tarn"), "bench", *FEW, "-o", self.path("b.html")],
                              capture_output=True, text=True, env=clean_environment(), cwd=self.folder, check=False,
                              timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_page(self.path("b.html"), " ".join(["tarn bench", *FEW, "-o", self.path("b.html")]))

    def test_list_and_faults(self):
        code, out, err = tarn("bench", "--list", "--groups", "patterns")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("server", out)
        self.assertFalse(os.path.exists("tarn-bench.html"))
        for words, status, text in ((["--fast"], 2, "no option '--fast'"), (["all"], 2, "takes no argument"),
                                    (["-o", "/no/folder/b.html"], 1, "/no/folder/b.html: No such file"),
                                    (["--groups", "none", "-o", self.path("x")], 2, "there is no group 'none'"),
                                    (["--only", "none", "-o", self.path("x")], 2, "no workload here is named 'none'")):
            code, _, err = tarn("bench", *words)
            self.assertEqual(code, status, err)
            self.assertIn(text, err)


unittest.main()
