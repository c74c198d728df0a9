"""`tarn run`: any program on Tarn, its status kept, figures that are true, and allocators compared."""

import json
import os
import pty
import re
import shutil
import subprocess
import unittest

from tarn_command import BUILD, TARN, Case, clean_environment, compile_program, have, tarn

LIVE = """
#include <stdlib.h>
#include <string.h>
static void *kept[1000];
int main(void) {
    for (int i = 0; i < 1000; i++) { kept[i] = malloc(4000); memset(kept[i], 1, 4000); }
    char *large = malloc(64 << 20); memset(large, 1, 64 << 20); free(large);
    return 0;
}
"""
# Dies by its own hand, at once or with _exit, where destructors do not run.
ENDS = """
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    void *volatile p = malloc(100); (void)p;
    if (argv[1][0] == 'e') _exit(atoi(argv[2]));
    kill(getpid(), atoi(argv[2])); pause(); return argc;
}
"""


def read_terminal(master):
    """All that was written to it, and closes it."""
    said = b""
    try:
        while part := os.read(master, 65536):
            said += part
    except OSError:  # the other end is closed
        pass
    os.close(master)
    return said.decode()


class Run(Case):
    def report(self, *words, **more):
        code, _, err = tarn("run", "--json", "--report", self.path("report"), *words, folder=self.folder, **more)
        with open(self.path("report"), encoding="utf-8") as file:
            return code, json.load(file), err

    def test_input_output_and_status_are_the_program_s(self):
        code, out, err = tarn("run", "--", "sh", "-c", "cat; echo wrong >&2; exit 7", give="given\n")
        self.assertEqual((code, out), (7, "given\n"))
        self.assertTrue(err.startswith("wrong\ntarn: sh on Tarn\n"), err)
        self.assertIn("ended        with status 7", err)

    def test_the_program_runs_on_tarn(self):
        _, out, _ = tarn("run", "-q", "--", "grep", "-o", "libtarn[a-z-]*", "/proc/self/maps")
        self.assertEqual(set(out.split()), {"libtarn", "libtarn-report"})

    def test_its_own_files_are_where_tmpdir_says(self):
        folder = os.path.join(self.folder, "scratch")
        runs = (["run", "true"], ["run", "--compare", "--runs", "1", "--", "true"])
        for words in runs:
            status, _, said = tarn(*words, TMPDIR=folder)
            self.assertEqual((status != 0, os.path.exists(folder)), (True, False), said)
        os.mkdir(folder)
        for words in runs:
            self.assertEqual(tarn(*words, TMPDIR=folder)[0], 0)
        self.assertEqual(os.listdir(folder), [])

    def test_figures_are_true(self):
        compile_program(self.folder, "live", LIVE)
        code, said, _ = self.report("./live")
        self.assertEqual((code, said["status"], said["signal"], said["allocator"]), (0, 0, 0, "tarn"))
        heap = said["heap_at_end"]
        self.assertGreaterEqual(heap["live_blocks"], 1000)
        self.assertLess(heap["live_blocks"], 1100)
        self.assertGreaterEqual(heap["live_bytes"], 4_000_000)
        self.assertLess(heap["live_bytes"], 5_000_000)
        self.assertGreater(said["peak_bytes"], 68_000_000)
        self.assertLess(said["peak_bytes"], 80_000_000)
        self.assertGreater(said["page_faults"], 100)
        self.assertEqual(said["program"], "./live")

    def test_an_end_without_destructors_is_reported_too(self):
        compile_program(self.folder, "ends", ENDS)
        code, said, _ = self.report("./ends", "exit", "5")
        self.assertEqual(code, 5)
        self.assertEqual(said["heap_at_end"]["live_blocks"], 1)

    def test_signals(self):
        compile_program(self.folder, "ends", ENDS)
        for number, name in ((6, "Aborted"), (9, "Killed"), (11, "Segmentation fault")):
            code, _, err = tarn("run", "./ends", "kill", number, folder=self.folder)
            self.assertEqual(code, 128 + number)
            self.assertIn(f"by signal {number} ({name})", err)
            self.assertIn("not known: the program did not come to its end", err)

    def test_children_do_not_spoil_the_figures(self):
        script = "import os, subprocess\nb = [bytearray(100_000) for i in range(50)]\n" \
                 "if os.fork() == 0: os._exit(0)\nos.wait()\nsubprocess.run(['true'])\nos._exit(0)"
        _, said, _ = self.report("--", "python3", "-c", script, PYTHONMALLOC="malloc")
        self.assertGreater(said["heap_at_end"]["live_bytes"], 5_000_000)

    def test_statically_linked_is_told(self):
        compile_program(self.folder, "alone", "int main(void){return 3;}", "-static")
        code, said, err = self.report("./alone")
        self.assertEqual((code, said["allocator"], said["heap_at_end"]), (3, "its own", None))
        self.assertEqual(err, "tarn run: ./alone is statically linked: no library can be preloaded into it, and it "
                              "ran on the allocator built into it\n")

    def test_a_script_is_judged_by_its_interpreter(self):
        shell = compile_program(self.folder, "alone", "int main(void){return 3;}", "-static")
        for interpreter, own in (("/bin/sh", False), (shell, True)):
            with open(self.path("script"), "w", encoding="utf-8") as file:
                file.write(f"#!{interpreter}\nexit 3\n")
            os.chmod(self.path("script"), 0o755)
            code, said, err = self.report("./script")
            self.assertEqual((code, said["allocator"]), (3, "its own" if own else "tarn"))
            self.assertEqual("statically linked" in err, own)

    @unittest.skipUnless(os.geteuid() == 0 and have("setpriv"), "needs root to make a set-user-ID program")
    def test_set_user_id_is_told(self):
        program = compile_program(self.folder, "more", "int main(void){return 3;}")
        os.chmod(self.folder, 0o755)
        os.chmod(program, 0o4755)
        for name in ("tarn", "libtarn.so", "libtarn-report.so"):  # the build tree may not be for other users
            shutil.copy(os.path.join(os.path.dirname(TARN), name), self.path(name))
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", self.path("tarn"),
                               "run", program],
                              capture_output=True, text=True, env=clean_environment(), check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("runs with more rights than yours", done.stderr)

    def test_what_cannot_be_run(self):
        code, out, err = tarn("run", "no-such-program")
        self.assertEqual((code, out, err), (127, "", "tarn run: no-such-program: no such program\n"))
        with open(self.path("text"), "w", encoding="utf-8") as file:
            file.write("no program\n")
        code, _, err = tarn("run", "./text", folder=self.folder)
        self.assertEqual((code, err), (126, "tarn run: ./text: Permission denied\n"))

    def test_wrong_command_lines(self):
        for words, text in (((), "which program?"), (("--colour", "ls"), "no option '--colour'"),
                            (("--runs", "0", "ls"), "--runs takes"), (("--report",), "--report needs a value"),
                            (("--compare", "--trace", "t", "ls"), "--trace is for one run")):
            code, out, err = tarn("run", *words)
            self.assertEqual((code, out), (125, ""))
            self.assertIn(text, err)

    def test_options(self):
        _, out, _ = tarn("run", "-q", "-o", "purge=now", "--option", "TARN_HUGE_PAGES=off", "--", "env")
        self.assertIn("TARN_PURGE=now\n", out)
        self.assertIn("TARN_HUGE_PAGES=off\n", out)
        for word, text in (("hugepages=on", "there is no option 'hugepages'; is TARN_HUGE_PAGES meant?"),
                           ("huge-pages=up", "TARN_HUGE_PAGES: must be off, on or auto, not 'up'"),
                           ("purge", "--option takes NAME=VALUE, not 'purge'")):
            code, out, err = tarn("run", "--option", word, "ls")
            self.assertEqual((code, out), (125, ""))
            self.assertIn(text, err)
        self.assertEqual(tarn("run", "--option", "help")[1], tarn("options")[1])

    def test_statistics_page(self):
        _, _, err = tarn("run", "--stats", "--", "true")
        self.assertIn("tarn: the heap of process ", err)

    def test_the_library_is_found_or_said_to_be_missing(self):
        lone = self.path("bin")
        os.mkdir(lone)
        shutil.copy(TARN, lone)
        program = os.path.join(lone, os.path.basename(TARN))
        done = subprocess.run([program, "run", "true"], capture_output=True, text=True, env=clean_environment(),
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (125, ""))
        self.assertIn("libtarn.so is not there: looked in ", done.stderr)
        code, _, err = tarn("run", "true", TARN_LIBRARY="/nowhere/libtarn.so")
        self.assertEqual((code, err),
                         (125, "tarn run: TARN_LIBRARY=/nowhere/libtarn.so: no such file, or it cannot be read\n"))
        other = shutil.copy(os.path.join(BUILD, "libtarn.so"), self.path("other.so"))
        _, said, err = self.report("--", "true", TARN_LIBRARY=other)
        self.assertEqual((said["library"], err), (os.path.realpath(other), ""))

    def test_no_colour_but_on_a_terminal(self):
        self.assertNotIn("\033", tarn("run", "--", "true", TERM="xterm")[2])
        for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            master, slave = pty.openpty()
            environment = clean_environment(TERM="xterm")
            environment.pop("NO_COLOR", None)
            environment.update(variables)
            subprocess.run([TARN, "run", "--", "true"], stderr=slave, env=environment, check=True)
            os.close(slave)
            said = read_terminal(master)
            self.assertIn("peak memory", said)
            self.assertEqual("\033" in said, coloured, variables)


class Compare(Case):
    def test_table(self):
        code, out, err = tarn("run", "--compare", "--runs", "2", "--", "sh", "-c", "echo the answer")
        self.assertEqual((code, err), (0, ""))
        self.assertNotIn("the answer", out)
        rows = [line.split()[0] for line in out.splitlines()[1:-1]]
        self.assertEqual(rows[:2], ["tarn", "system"])
        self.assertLessEqual(set(rows[2:]), {"jemalloc", "mimalloc", "tcmalloc"})
        self.assertRegex(out, r"\nsystem +\S+ s +1\.00x ")
        self.assertTrue(out.endswith("medians of 2 runs each, in turn; ratios to system\n"))

    def test_the_named_ones_in_json(self):
        # An allocator by its path; and each runs on what its row says.
        code, out, err = tarn("run", "--compare", "--runs", "1", "--json", "--allocators",
                              f"system,tarn,{BUILD}/libtarn.so", "--", "sh", "-c",
                              "grep -q libtarn.so /proc/self/maps")
        said = json.loads(out)
        self.assertEqual([a["name"] for a in said["allocators"]][:2], ["system", "tarn"])
        self.assertEqual([a["status"] for a in said["allocators"]], [1, 0, 0])
        self.assertEqual((code, said["base"], err), (1, "system", ""))
        self.assertEqual(said["allocators"][0]["peak_bytes_ratio"], 1)

    def test_input_is_read_anew_and_answers_are_compared(self):
        with open(self.path("input"), "w+", encoding="utf-8") as file:
            file.write("one\ntwo\n")
            file.seek(0)
            script = "read -r a; test \"$a\" = one"
            done = subprocess.run([TARN, "run", "--compare", "--runs", "2", "--allocators", "tarn,system", "sh", "-c",
                                   script], stdin=file, capture_output=True, text=True, env=clean_environment(),
                                  check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        _, _, err = tarn("run", "--compare", "--runs", "1", "--allocators", "tarn,system", "--", "sh", "-c",
                         "echo $LD_PRELOAD")
        self.assertIn("the program's output on system is not that on tarn", err)

    def test_unknown_allocator(self):
        code, _, err = tarn("run", "--compare", "--allocators", "tarn,nomalloc", "true")
        self.assertEqual((code, err), (125, "tarn run: there is no allocator 'nomalloc' here\n"))

    def test_progress_on_a_terminal_alone(self):
        words = ["run", "--compare", "--runs", "1", "--allocators", "tarn,system", "true"]
        self.assertEqual(tarn(*words)[2], "")
        master, slave = pty.openpty()
        subprocess.run([TARN, *words], stdout=subprocess.DEVNULL, stderr=slave, env=clean_environment(), check=True)
        os.close(slave)
        said = os.read(master, 65536).decode()
        os.close(master)
        self.assertTrue(re.search(r"\[\.+\] 0/2 tarn", said), said)


unittest.main()
