"""`tarn trace`: recordings of real programs are whole, killed ones too, and replays do the same work again."""

import json
import lzma
import os
import signal
import struct
import subprocess
import time
import unittest
import xml.dom.minidom

from tarn_command import TARN, Case, clean_environment, compile_program, have, tarn

CALLS = """
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    void *p[8];
    for (int i = 0; i < 8; i++) p[i] = malloc(100 + i);
    for (int i = 0; i < 4; i++) p[i] = realloc(p[i], 5000);
    free(NULL);
    free(realloc(NULL, 7));
    void *q = calloc(10, 30), *r = aligned_alloc(256, 1000), *s = NULL;
    if (posix_memalign(&s, 4096, 3) != 0) return 1;
    if (realloc(p[7], (size_t)-1 / 4) != NULL) return 2;
    p[7] = reallocarray(p[7], 10, 20);
    for (int i = 0; i < 4; i++) free(p[i]);
    free(q); free(r); free(s);
    if (realloc(p[4], 0) != NULL) return 3;
    _exit(0);
}
"""
THREADS = """
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
static _Atomic(void *) box[64];
static void *work(void *seed) {
    unsigned n = (unsigned)(size_t)seed;
    for (int i = 0; i < 20000; i++) {
        n = n * 1664525 + 1013904223;
        void *p = atomic_exchange(&box[n >> 26], malloc(n >> 8 & 1023));
        if (n & 64) p = p == NULL ? NULL : realloc(p, 1 + (n >> 12 & 2047));
        free(p);
    }
    return NULL;
}
int main(void) {
    pthread_t t[4];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 4; i++) pthread_create(&t[i], NULL, work, (void *)(i + 1));
        for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    }
    for (int i = 0; i < 64; i++) free(box[i]);
    return 0;
}
"""
# A child by fork and one by the bare system call, each busy; the parent's own count is known.
FORKS = """
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <signal.h>
int main(void) {
    for (int i = 0; i < 1000; i++) free(malloc(50));
    for (int way = 0; way < 2; way++) {
        pid_t child = way == 0 ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0) { for (int i = 0; i < 50000; i++) free(malloc(60)); _exit(0); }
        int status;
        waitpid(child, &status, 0);
        if (status != 0) return 1;
    }
    for (int i = 0; i < 1000; i++) free(malloc(70));
    return 0;
}
"""
NEW = """
#include <new>
#include <string>
#include <vector>
struct alignas(128) wide { char bytes[128]; };
int main() {
    std::vector<std::string> all;
    for (int i = 0; i < 1000; i++) all.push_back(std::string(100, 'x'));
    delete new wide; delete[] new int[100]; delete new (std::nothrow) int;
    try { delete[] new char[(size_t)-1 / 4]; return 1; } catch (std::bad_alloc &) {}
    return 0;
}
"""


def older_trace(path, events, slots):
    """A file of the MTRACE01 format."""
    head = struct.pack("<8sIIQQQIIIIII", b"MTRACE01", slots, 0, len(events), 0, 0, 0, 0, 0, 0, 0, 0)
    with lzma.open(path, "wb") as file:
        file.write(head + b"".join(struct.pack("<BBHII", op, log, 0, slot, size) for op, log, slot, size in events))


class Recording(Case):
    def record(self, *words, status=0, options=()):
        code, _, err = tarn("trace", "record", "-o", self.path("t.trace"), *options, "--", *words, folder=self.folder)
        self.assertEqual((code, err), (status, ""))
        return self.show("t.trace")

    def show(self, name):
        code, out, err = tarn("trace", "show", "--json", self.path(name))
        self.assertEqual((code, err), (0, ""))
        return json.loads(out)

    def check_whole(self, said):
        self.assertEqual([said[k] for k in ("cut", "missing", "unknown_frees", "unseen_frees")], [False, 0, 0, 0])

    def test_each_call_is_told(self):
        compile_program(self.folder, "calls", CALLS)
        said = self.record("./calls")
        self.check_whole(said)
        self.assertEqual(said["calls"], {"malloc": 9, "calloc": 1, "realloc": 5, "aligned": 2, "free": 9,
                                         "free(NULL)": 1})
        self.assertEqual((said["end_blocks"], said["end_bytes"]), (3, 105 + 106 + 200))
        self.assertEqual(said["threads"], 1)
        self.assertFalse(said["finished"])  # it ended by _exit
        self.assertEqual(said["total_bytes"], sum(range(100, 108)) + 4 * 5000 + 7 + 300 + 1000 + 3 + 200)

    def test_threads(self):
        compile_program(self.folder, "threads", THREADS, "-pthread")
        said = self.record("./threads")
        self.check_whole(said)
        self.assertTrue(said["finished"])
        self.assertEqual(said["threads"], 13)
        self.assertGreaterEqual(said["calls"]["malloc"], 3 * 4 * 20000)
        self.assertEqual(sum(said["events_by_thread"]), said["events"])

    def test_what_a_forks_child_does_is_not_in_it(self):
        compile_program(self.folder, "forks", FORKS)
        said = self.record("./forks")
        self.check_whole(said)
        self.assertEqual((said["calls"]["malloc"], said["calls"]["free"]), (2000, 2000))

    def test_new_and_delete(self):
        with open(self.path("new.cc"), "w", encoding="utf-8") as file:
            file.write(NEW)
        subprocess.run(["g++", "-std=c++17", "-O0", "-o", self.path("new"), self.path("new.cc")], check=True)
        said = self.record("./new")
        self.check_whole(said)
        self.assertEqual(said["calls"]["aligned"], 1)
        self.assertGreaterEqual(said["calls"]["malloc"], 1000)
        self.assertEqual(said["calls"]["malloc"] + 1 - said["calls"]["free"], said["end_blocks"])

    def test_a_kill_loses_nothing(self):
        # The program says how far it is, after which the kill comes; what it said has to be there.
        source = "#include <stdio.h>\n#include <stdlib.h>\nint main(void) { setvbuf(stdout, NULL, _IONBF, 0);" \
                 "for (int i = 0; i < 30000; i++) if (malloc(24) == NULL) return 1; puts(\"there\");" \
                 "for (;;) free(malloc(8)); }"
        compile_program(self.folder, "endless", source)
        recorder = subprocess.Popen([TARN, "trace", "record", "-o", self.path("k.trace"), "--", "sh", "-c",
                                     "echo $$; exec ./endless"], cwd=self.folder, env=clean_environment(),
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        program = int(recorder.stdout.readline())
        self.assertEqual(recorder.stdout.readline(), "there\n")
        time.sleep(0.05)
        os.kill(program, signal.SIGKILL)
        _, err = recorder.communicate(timeout=60)
        self.assertEqual(recorder.returncode, 137)
        self.assertIn("was ended by signal 9", err)
        said = self.show("k.trace")
        self.assertFalse(said["finished"])
        self.assertLessEqual(said["missing"], 1)
        self.assertGreaterEqual(said["end_blocks"], 30000)

    def test_the_recorder_killed_leaves_what_can_be_read(self):
        source = "#include <stdlib.h>\n#include <unistd.h>\n#include <stdio.h>\nint main(void) {" \
                 "for (int i = 0; i < 5000; i++) if (malloc(24) == NULL) return 1; puts(\"there\"); fflush(stdout);" \
                 "pause(); return 0; }"
        compile_program(self.folder, "waits", source)
        recorder = subprocess.Popen([TARN, "trace", "record", "-o", self.path("p.trace"), "--", "sh", "-c",
                                     "echo $$; exec ./waits"], cwd=self.folder, env=clean_environment(),
                                    stdout=subprocess.PIPE, text=True)
        program = int(recorder.stdout.readline())
        self.assertEqual(recorder.stdout.readline(), "there\n")
        recorder.kill()
        recorder.wait()
        os.kill(program, signal.SIGKILL)
        recorder.stdout.close()
        self.assertGreaterEqual(self.show("p.trace.part")["end_blocks"], 5000)

    def test_children_have_files_of_their_own(self):
        compile_program(self.folder, "calls", CALLS)
        self.record("sh", "-c", "./calls; ./calls", options=["--children"])
        files = sorted(name for name in os.listdir(self.folder) if name.startswith("t.trace."))
        self.assertEqual(len(files), 2)
        for name in files:
            self.assertEqual(self.show(name)["calls"]["realloc"], 5)

    def test_real_programs(self):
        jobs = {
            "gcc": ["gcc", "-O2", "-S", "-o", "-", self.path("calls.c")],
            "python3": ["python3", "-c", "import json; print(len(json.dumps(list(range(20000)))))"],
            "sqlite3": ["sqlite3", ":memory:", "create table t(a); with recursive c(x) as (select 1 union all select "
                        "x+1 from c limit 20000) insert into t select hex(x) from c; select count(*) from t;"],
            "lua5.4": ["lua5.4", "-e", "local t = {} for i = 1, 20000 do t[i] = {i, tostring(i)} end print(#t)"],
        }
        with open(self.path("calls.c"), "w", encoding="utf-8") as file:
            file.write(CALLS)
        for name, words in jobs.items():
            if not have(name):
                print(f"{name} is not here: not recorded")
                continue
            plain = subprocess.run(words, capture_output=True, text=True, check=True, env=clean_environment())
            done = subprocess.run([TARN, "trace", "record", "-o", self.path("t.trace"), *words], capture_output=True,
                                  text=True, check=False, env=clean_environment())
            self.assertEqual((done.returncode, done.stdout), (0, plain.stdout), name)
            said = self.show("t.trace")
            self.check_whole(said)
            self.assertTrue(said["finished"])
            self.assertGreater(said["events"], 100, name)

    @unittest.skipUnless(have("redis-server", "redis-cli"), "redis is not installed")
    def test_redis(self):
        where = self.path("s")
        server = subprocess.Popen([TARN, "trace", "record", "-o", self.path("r.trace"), "--", "redis-server", "--port", "0",
                                   "--unixsocket", where, "--save", "", "--dir", self.folder],
                                  stdout=subprocess.DEVNULL, env=clean_environment())
        ask = ["redis-cli", "-s", where]
        for _ in range(200):
            if os.path.exists(where):
                break
            time.sleep(0.05)
        commands = "".join(f"set key:{i} {'v' * (i % 300)}\n" for i in range(5000)) + "bgsave\nshutdown nosave\n"
        subprocess.run(ask, input=commands, text=True, capture_output=True, check=False)
        self.assertEqual(server.wait(timeout=60), 0)
        said = self.show("r.trace")
        self.check_whole(said)
        self.assertGreater(said["peak_blocks"], 10000)
        self.assertGreater(said["threads"], 0)

    def test_the_program_s_status_and_faults(self):
        self.assertEqual(tarn("trace", "record", "-o", self.path("x"), "--", "sh", "-c", "exit 9")[0], 9)
        code, _, err = tarn("trace", "record", "-o", self.path("x"), "no-such-program")
        self.assertEqual((code, err), (127, "tarn trace: no-such-program: no such program\n"))
        code, _, err = tarn("trace", "record", "-o", "/no/folder/x", "true")
        self.assertEqual((code, err), (1, "tarn trace: /no/folder/x: No such file or directory\n"))
        compile_program(self.folder, "alone", "int main(void){return 0;}", "-static")
        code, _, err = tarn("trace", "record", "-o", self.path("y"), self.path("alone"))
        self.assertEqual(code, 1)
        self.assertIn("nothing was recorded", err)
        self.assertEqual(tarn("trace", "rekord", "x")[0], 2)

    def test_each_verb_has_help(self):
        for verb in ("record", "show", "replay"):
            code, out, err = tarn("trace", verb, "--help")
            self.assertEqual((code, err), (0, ""))
            self.assertTrue(out.startswith("usage: tarn trace record"))

    def test_run_records_too(self):
        code, _, _ = tarn("run", "-q", "--trace", self.path("t.xz"), "--", "ls", "/")
        self.assertEqual(code, 0)
        with open(self.path("t.xz"), "rb") as file:
            self.assertEqual(file.read(6), b"\xfd7zXZ\0")
        self.assertGreater(self.show("t.xz")["events"], 20)


class Reading(Case):
    def test_words_of_several_lines_and_of_thousands_of_bytes(self):
        for name in "t.trace", "t.xz":
            code, _, err = tarn("trace", "record", "-o", self.path(name), "--", "sh", "-c", ":\n\t:", "x" * 5000)
            self.assertEqual(code, 0, err)
            code, out, err = tarn("trace", "show", self.path(name))
            self.assertEqual((code, err), (0, ""))
            self.assertRegex(out, r"program +sh -c :  : x{100,}\nevents ")
            with open(self.path(name), "rb") as file:
                data = lzma.decompress(file.read()) if name == "t.xz" else file.read()
            first, words = struct.unpack_from("<QI", data, 40)
            self.assertLessEqual(64 + words, first)

    def test_the_older_format(self):
        older_trace(self.path("o.xz"), [(1, 0, 0, 100), (2, 0, 1, 60), (3, 0, 0, 5000), (4, 8, 2, 256), (5, 0, 1, 0),
                                        (6, 0, 0xffffffff, 0), (1, 0, 1, 1 << 20)], 3)
        _, out, _ = tarn("trace", "show", "--json", self.path("o.xz"))
        said = json.loads(out)
        self.assertEqual(said["calls"], {"malloc": 2, "calloc": 1, "realloc": 1, "aligned": 1, "free": 1,
                                         "free(NULL)": 1})
        self.assertEqual((said["peak_bytes"], said["end_blocks"], said["seconds"]), (5256 + (1 << 20), 3, None))
        self.assertEqual(said["sizes"][0], {"to": 64, "count": 1, "bytes": 60})

    def test_damage_is_named(self):
        for name, data, text in (("empty", b"", "is no trace"), ("text", b"no trace at all", "is no trace"),
                                 ("short", b"MTRACE01" + bytes(20), "is truncated"),
                                 ("head", b"TARNTRC1" + bytes(20), "is truncated"),
                                 ("version", b"TARNTRC1" + struct.pack("<IIQIIQQIIQ", 9, 0, 0, 0, 0, 64, 64, 0, 8, 0),
                                  "a trace of version 9"),
                                 ("chunk", b"TARNTRC1" + struct.pack("<IIQIIQQIIQ", 1, 0, 0, 0, 0, 200, 64, 0, 8, 0) +
                                  b"x" * 136, "the chunk at 64 is damaged"),
                                 ("xz", b"\xfd7zXZ\0" + bytes(40), "its xz data are damaged")):
            with open(self.path(name), "wb") as file:
                file.write(data)
            code, out, err = tarn("trace", "show", self.path(name))
            self.assertEqual((code, out), (1, ""), name)
            self.assertIn(text, err)
        code, _, err = tarn("trace", "show", self.path("none"))
        self.assertEqual(code, 1)
        self.assertIn("No such file", err)

    def test_no_damage_crashes_it(self):
        tarn("trace", "record", "-o", self.path("t"), "--", "ls", "/")
        with open(self.path("t"), "rb") as file:
            whole = file.read()
        for i in range(0, len(whole), max(1, len(whole) // 150)):
            damaged = bytearray(whole)
            damaged[i] ^= 0x5a
            for data in (bytes(damaged), whole[:i]):
                with open(self.path("d"), "wb") as file:
                    file.write(data)
                code, _, err = tarn("trace", "show", self.path("d"))
                self.assertIn(code, (0, 1), f"byte {i}: {err}")


class Replaying(Case):
    def setUp(self):
        super().setUp()
        events = [(1, 0, i, 100 + i % 2000) for i in range(3000)]
        events += [(3, 0, i, 3000) for i in range(0, 3000, 3)] + [(5, 0, i, 0) for i in range(0, 3000, 2)]
        events += [(4, 10, i, 5000) for i in range(0, 600, 2)] + [(6, 0, 0xffffffff, 0)]
        older_trace(self.path("o.xz"), events, 3000)

    def test_every_face_and_peer(self):
        code, out, err = tarn("trace", "replay", "--runs", "1", "--json", self.path("o.xz"))
        self.assertEqual((code, err), (0, ""))
        said = json.loads(out)
        names = [a["name"] for a in said["allocators"]]
        self.assertEqual(names[:5], ["tarn", "heap", "image", "quick", "system"])
        self.assertEqual(said["calls"], 3000 + 1000 + 1500 + 300 + 1)
        for a in said["allocators"]:
            self.assertFalse(a["failed"])
            self.assertGreater(a["nanoseconds_per_call"], 0)
            # Every page of every block was written to, so it is all there.
            self.assertGreater(a["peak_over_live"], 0.95, a["name"])
            self.assertLess(a["peak_over_live"], 3 if a["name"] != "tcmalloc" else 5, a["name"])
            self.assertEqual(a["samples"][-1][:2], [said["calls"], a["samples"][-1][1]])
        self.assertEqual(len({a["samples"][-1][1] for a in said["allocators"]}), 1)

    @unittest.skipUnless(have("valgrind"), "valgrind is not installed")
    def test_threads_as_threads(self):
        compile_program(self.folder, "threads", THREADS, "-pthread")
        self.assertEqual(tarn("trace", "record", "-o", "t.trace", "./threads", folder=self.folder)[0], 0)
        path = self.path("t.trace")
        code, out, err = tarn("trace", "replay", "--threads", "--runs", "3", "--on", "tarn,heap,image,system",
                              "--json", path)
        self.assertEqual((code, err), (0, ""))
        said = json.loads(out)
        self.assertEqual(said["threads"], 13)
        serial = json.loads(tarn("trace", "replay", "--runs", "1", "--on", "tarn", "--json", path)[1])
        self.assertEqual((said["calls"], said["peak_live_bytes"]), (serial["calls"], serial["peak_live_bytes"]))
        self.assertEqual(serial["threads"], 1)
        for row in said["allocators"]:
            self.assertFalse(row["failed"], row["name"])
            self.assertGreater(row["wall_nanoseconds_per_call"], 0)
            self.assertEqual([one[:2] for one in row["samples"]],
                             [one[:2] for one in serial["allocators"][0]["samples"]])
        code, _, err = tarn("trace", "replay", "--threads", "--on", "quick", path)
        self.assertEqual(code, 2)
        self.assertIn("quick is for one thread", err)
        self.assertEqual(tarn("trace", "replay", "--threads", "--count", path)[0], 2)

    def test_a_thousand_threads_one_after_the_other(self):
        source = """
#include <pthread.h>
#include <stdlib.h>
static void *end(void *block) { free(block); return malloc(100); }
int main(void) {
    for (int i = 0; i < 1000; i++) {
        pthread_t thread; void *back;
        pthread_create(&thread, NULL, end, malloc(1000)); pthread_join(thread, &back); free(back);
    }
    return 0;
}
"""
        compile_program(self.folder, "many", source, "-pthread")
        self.assertEqual(tarn("trace", "record", "-o", "t.trace", "./many", folder=self.folder)[0], 0)
        code, out, err = tarn("trace", "replay", "--threads", "--runs", "1", "--on", "tarn", "--json",
                              self.path("t.trace"))
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(json.loads(out)["threads"], 1001)

    def test_instructions_are_counted(self):
        words = ["trace", "replay", "--runs", "1", "--count", "--json", "--on", "tarn,system", self.path("o.xz")]
        first, second = (json.loads(tarn(*words)[1])["allocators"] for _ in range(2))
        for a, b in zip(first, second):
            self.assertGreater(a["instructions_per_call"], 20)
            self.assertAlmostEqual(a["instructions_per_call"], b["instructions_per_call"],
                                   delta=a["instructions_per_call"] / 10)

    def test_the_picture(self):
        picture = self.path("m.svg")
        code, out, _ = tarn("trace", "replay", "--runs", "1", "--on", "tarn,system", "--svg", picture,
                            self.path("o.xz"))
        self.assertEqual(code, 0)
        self.assertIn("peak/live", out)
        tree = xml.dom.minidom.parse(picture)
        words = [t.firstChild.data for t in tree.getElementsByTagName("text") if t.firstChild]
        for word in ("live bytes", "tarn", "system", "calls", "0"):
            self.assertIn(word, words)
        self.assertEqual(len([p for p in tree.getElementsByTagName("path") if p.getAttribute("fill") == "none"]), 2)
        if have("rsvg-convert"):
            done = subprocess.run(["rsvg-convert", picture, "-o", self.path("m.png")], capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertGreater(os.path.getsize(self.path("m.png")), 8000)
        else:
            print("rsvg-convert is not here: the picture was only parsed")

    def test_refusals_are_told(self):
        older_trace(self.path("large.xz"), [(1, 0, 0, 0x80000000), (1, 0, 1, 100)], 2)
        code, out, err = tarn("trace", "replay", "--runs", "1", "--on", "quick", self.path("large.xz"))
        self.assertEqual(code, 1)
        self.assertIn("refused", err)
        self.assertIn("quick        failed", out)
        for words, status, text in ((["--on", "nomalloc"], 1, "there is no allocator 'nomalloc' here"),
                                    (["--runs", "0"], 2, "--runs takes a number"),
                                    (["--slowly"], 2, "no option '--slowly'")):
            code, _, err = tarn("trace", "replay", *words, self.path("o.xz"))
            self.assertEqual(code, status)
            self.assertIn(text, err)

    def test_nothing_is_left_behind(self):
        before = set(os.listdir("/tmp"))
        tarn("trace", "replay", "--runs", "1", "--on", "image,heap", self.path("o.xz"))
        left = {name for name in set(os.listdir("/tmp")) - before if name.startswith("tarn-replay-")}
        self.assertEqual(left, set())

    def test_temporary_files_are_where_the_user_wants_them(self):
        words = ("trace", "replay", "--runs", "1", "--on", "image,heap", self.path("o.xz"))
        os.mkdir(self.path("here"))
        self.assertEqual(tarn(*words, folder=self.folder, TMPDIR="here")[0], 0)
        self.assertEqual(os.listdir(self.path("here")), [])
        code, _, err = tarn(*words, TMPDIR=self.path("none"))
        self.assertEqual(code, 1)
        self.assertIn(f"{self.folder}/none/tarn-replay-", err)


unittest.main()
