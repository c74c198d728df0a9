"""tarn.bash, asked by bash itself: what it offers is what the command takes."""

import os
import re
import subprocess
import unittest

from tarn_command import BUILD, ROOT, Case, clean_environment, have, tarn


def offered(*words):
    """What bash would offer for the last word."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ' \
             '_tarn 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, "bash", os.path.join(ROOT, "tools", "tarn.bash"), "tarn", *words],
                          capture_output=True, text=True, check=True, timeout=60,
                          env=clean_environment(PATH=BUILD + ":" + os.environ["PATH"]))
    return [word for word in done.stdout.splitlines() if word]


@unittest.skipUnless(have("bash"), "bash is not here")
class Completion(Case):
    def test_commands(self):
        listed = re.findall(r"^  (\w+) ", tarn("--help")[1].split("commands:\n")[1], re.M)
        self.assertEqual(set(offered("")), {*listed, "--help", "--version"})
        self.assertEqual(offered("expl"), ["explain"])
        self.assertEqual(set(offered("help", "")), set(listed))

    def test_every_option_of_every_command(self):
        for command in offered("help", ""):
            told = set(re.findall(r"(?:^|[\s[(|])(--[a-z][a-z-]*)", tarn(command, "--help")[1]))
            self.assertEqual(set(offered(command, "--")), told | {"--help"}, command)

    def test_verbs(self):
        self.assertEqual(offered("trace", ""), ["record", "replay", "show"])
        if "heap" in offered(""):
            self.assertIn("check", offered("heap", ""))
            self.assertIn("--svg", offered("heap", "map", "--"))

    def test_values(self):
        self.assertEqual(offered("run", "--option", "TARN_HU"), ["TARN_HUGE_PAGES="])
        self.assertIn("T101", offered("explain", "T"))
        self.assertEqual(offered("trace", "replay", "--on", "q"), ["quick"])
        self.assertEqual(offered("bench", "--groups", "mi"), ["micro"])

    def test_programs(self):
        self.assertIn("bash", offered("run", "--", "bas"))
        self.assertIn("bash", offered("trace", "record", "--", "bas"))

    def test_it_is_registered(self):
        script = 'source "$1"; complete -p tarn'
        done = subprocess.run(["bash", "-c", script, "bash", os.path.join(ROOT, "tools", "tarn.bash")],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "complete -o default -F _tarn tarn\n")


unittest.main()
