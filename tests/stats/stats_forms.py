"""The statistics as JSON and for Prometheus, and the summaries of heaps and pools. Usage: stats_forms.py TOLD"""

import json
import re
import subprocess
import sys
import unittest

TOLD = sys.argv.pop()


def told(what):
    return subprocess.run([TOLD, what], capture_output=True, text=True, check=True).stdout


class Told(unittest.TestCase):
    def test_json(self):
        figures = json.loads(told("json"))
        self.assertEqual(sum(one["live"] for one in figures["classes"] if one["size"] == 5120), 1000)
        self.assertGreater(figures["resident_bytes"], 0)
        self.assertEqual(figures["committed_bytes"],
                         sum(figures[name] for name in ("live_bytes", "slab_free_bytes", "cached_bytes",
                                                        "dirty_bytes", "clean_bytes", "own_bytes")))

    def test_prometheus(self):
        text = told("prometheus")
        families, helped, samples = {}, [], {}
        for line in text.splitlines():
            if line.startswith("# HELP "):
                _, _, name, told_of = line.split(maxsplit=3)
                self.assertNotIn(name, helped)
                self.assertTrue(told_of)
                helped.append(name)
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertNotIn(name, families)
                self.assertEqual(helped[-1], name)
                self.assertIn(kind, ("gauge", "counter"))
                self.assertEqual(name.endswith("_total"), kind == "counter", name)
                families[name] = kind
            else:
                match = re.fullmatch(r'([a-z_:][a-z0-9_:]*)(\{size="\d+"\})? (\d+)', line)
                self.assertIsNotNone(match, line)
                self.assertEqual(list(families)[-1], match[1])  # a family's lines are together
                self.assertNotIn((match[1], match[2]), samples)
                samples[match[1], match[2]] = int(match[3])
        self.assertTrue(text.endswith("\n"))
        self.assertEqual(set(helped), {name for name, _ in samples})
        self.assertEqual(samples["tarn_class_live_blocks", '{size="5120"}'], 1000)
        self.assertEqual(families["tarn_purged_bytes_total"], "counter")

    def test_summaries(self):
        self.assertRegex(told("heap"), r"(?m)^  1024 +10 ")
        self.assertRegex(told("pool"), r"(?m)^tarn: a pool of 100-byte objects[^\0]*^live .* 10$")


unittest.main()
