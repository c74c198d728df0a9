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
        families, samples = {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertNotIn(name, families)
                families[name] = kind
            elif not line.startswith("# HELP "):
                match = re.fullmatch(r'([a-z_:][a-z0-9_:]*)(\{size="\d+"\})? (\d+)', line)
                self.assertIsNotNone(match, line)
                self.assertIn(match[1], families)
                self.assertNotIn((match[1], match[2]), samples)
                samples[match[1], match[2]] = int(match[3])
        self.assertEqual(samples["tarn_class_live_blocks", '{size="5120"}'], 1000)
        self.assertEqual(families["tarn_purged_bytes_total"], "counter")

    def test_summaries(self):
        self.assertRegex(told("heap"), r"(?m)^  1024 +10 ")
        self.assertRegex(told("pool"), r"(?m)^tarn: a pool of 100-byte objects[^\0]*^live .* 10$")


unittest.main()
