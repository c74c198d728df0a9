"""docs/command.md: each of its commands is run, as the page says; each subcommand and each option that --help tells of
is on the page, too."""

import os
import re
import subprocess
import unittest

from tarn_command import BUILD, ROOT, Case, clean_environment, tarn

PAGE = os.path.join(ROOT, "docs", "command.md")
# These have pages of their own.
ELSEWHERE = {"heap", "top", "profile"}


class Manual(Case):
    def setUp(self):
        super().setUp()
        with open(PAGE, encoding="utf-8") as file:
            self.text = file.read()

    def test_examples(self):
        blocks = re.findall(r"^```sh\n(.*?)^```$", self.text, re.M | re.S)
        self.assertGreater(len(blocks), 8)
        self.assertEqual(len(re.findall(r"^```", self.text, re.M)) % 2, 0)
        for block in blocks:
            for command in block.splitlines():
                done = subprocess.run(["bash", "-c", command], cwd=self.folder, capture_output=True, text=True,
                                      check=False, timeout=300, stdin=subprocess.DEVNULL,
                                      env=clean_environment(PATH=BUILD + ":" + os.environ["PATH"]))
                self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        for name in ("figures.json", "awk.svg", "bench.html", "gcc.trace"):
            self.assertGreater(os.path.getsize(self.path(name)), 100, name)

    def test_the_page_has_all_commands_and_options(self):
        commands = re.findall(r"^  (\w+) ", tarn("--help")[1].split("commands:\n")[1], re.M)
        for command in commands:
            self.assertIn(f"\n| `{command}` | ", self.text)
        for command in set(commands) - ELSEWHERE:
            self.assertIn(f"## tarn {command}\n", self.text)
            section = self.text.split(f"## tarn {command}\n")[1].split("\n## ")[0]
            for flag in set(re.findall(r"(?:^|[\s[(|])(--[a-z][a-z-]*)", tarn(command, "--help")[1])) - {"--help"}:
                self.assertRegex(section, re.escape(flag) + r"\b", command)


unittest.main()
