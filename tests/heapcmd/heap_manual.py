"""The examples of docs/heap-command.md do what the manual shows: commands after "$ " run one after
the other in one folder; what follows is what they print, with numbers left open."""

import os
import re
import subprocess
import unittest

from heap_subject import MAKER, ROOT, TARN, HeapTest


def examples(text):
    """Commands and what they print, in order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern(lines):
    """Numbers, ids and distances may be others; "..." stands for any lines."""
    text = "\n".join(lines)
    parts = []
    for part in text.split("..."):
        part = re.escape(part)
        part = re.sub(r"\b[KMG]?i?B\b", r"[KMGiB]+", part)
        part = re.sub(r"(0x)?[0-9a-f]*\d[0-9a-f,]*(\\\.\d+)?", r"[0-9a-fx,.]+", part)
        parts.append(re.sub(r"(\\ )+", r" +", part))
    return re.compile("(?s:.*)".join(parts) + r"\s*\Z")


class Manual(HeapTest):
    def test_examples(self):
        with open(os.path.join(ROOT, "docs/heap-command.md"), encoding="utf-8") as file:
            found = examples(file.read())
        self.assertGreater(len(found), 9)
        os.makedirs(self.path("bin"))
        os.symlink(TARN, self.path("bin/tarn"))
        self.make("town", "words.tarn", 600)
        environment = {**os.environ, "PATH": self.path("bin") + ":" + os.environ["PATH"], "MAKER": MAKER}
        for command, lines in found:
            with self.subTest(command):
                done = subprocess.run(["sh", "-c", command], cwd=self.folder.name, env=environment, timeout=60,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.assertRegex(done.stdout, pattern(lines))

    def test_every_verb_is_in_it(self):
        with open(os.path.join(ROOT, "docs/heap-command.md"), encoding="utf-8") as file:
            text = file.read()
        for verb in re.findall(r"^  (\w+) ", self.heap("--help"), re.M):
            self.assertIn(f"## {verb}", text)


unittest.main()
