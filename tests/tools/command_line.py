"""The `tarn` command's own words: help, version, unknown commands, exit codes. Usage: command_line.py TARN"""

import json
import subprocess
import sys
import unittest

TARN = sys.argv.pop()


def tarn(*words):
    done = subprocess.run([TARN, *words], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


def commands():
    listing = tarn("--help")[1].split("commands:\n")[1]
    return [line.split()[0] for line in listing.splitlines()]


class CommandLine(unittest.TestCase):
    def test_help_lists_commands_on_stdout(self):
        for word in ("--help", "-h", "help"):
            code, out, err = tarn(word)
            self.assertEqual((code, err), (0, ""))
            self.assertIn("usage: tarn COMMAND", out)

    def test_no_command_is_misuse(self):
        code, out, err = tarn()
        self.assertEqual((code, out), (2, ""))
        self.assertIn("usage: tarn COMMAND", err)

    def test_version(self):
        code, out, _ = tarn("--version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^tarn \d+\.\d+\.\d+\n$")

    def test_every_command_has_help(self):
        self.assertTrue(commands())
        for name in commands():
            for words in ((name, "--help"), (name, "-h"), ("help", name)):
                code, out, err = tarn(*words)
                self.assertEqual((code, err), (0, ""), words)
                self.assertTrue(out.startswith(f"usage: tarn {name}"), out)

    def test_misspelt_command_names_the_nearest(self):
        code, out, err = tarn("optoins")
        self.assertEqual((code, out), (2, ""))
        self.assertEqual(
            err, "tarn: there is no command 'optoins'; is 'options' meant?\n'tarn --help' lists them\n")

    def test_unknown_command(self):
        code, _, err = tarn("x" * 400)
        self.assertEqual(code, 2)
        self.assertNotIn("meant", err)

    def test_help_among_other_options(self):
        for words in (("profile", "--json", "--help"), ("run", "--stats", "-h"), ("leaks", "--exact", "--help")):
            code, out, err = tarn(*words)
            self.assertEqual((code, err), (0, ""), words)
            self.assertTrue(out.startswith(f"usage: tarn {words[0]}"), out)

    def test_a_misspelt_option_names_the_nearest(self):
        for words in (("run",), ("bench",), ("explain",), ("top",), ("profile",), ("leaks",), ("trace", "show"),
                      ("trace", "replay"), ("heap", "info"), ("heap", "diff")):
            code, out, err = tarn(*words, "--jsno")
            self.assertEqual((code, out), (125 if words == ("run",) else 2, ""), words)
            self.assertIn("there is no option '--jsno'; is '--json' meant?\n", err, words)
        self.assertNotIn("meant", tarn("heap", "map", "--jsno")[2])

    def test_output_that_cannot_be_written_is_a_failure(self):
        for words in (("--help",), ("--version",), ("options", "--json"), ("explain", "--list"), ("help", "run")):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([TARN, *words], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("No space left on device", done.stderr)

    def test_json_is_json(self):
        for words in (("options", "--json"), ("explain", "--list", "--json"), ("explain", "--json", "--list")):
            json.loads(tarn(*words)[1])

    def test_options_takes_no_argument(self):
        code, out, err = tarn("options", "all")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("'all'", err)

    def test_options_lists_the_table(self):
        code, out, _ = tarn("options")
        self.assertEqual(code, 0)
        self.assertIn("TARN_STATS", out)


unittest.main()
