"""Runs real programs twice, on the system's allocator and on the one under test, and compares what they
give. What a case uses: find, call, serve."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time


class Skip(Exception):
    """What the machine lacks for this case."""


class World:
    """One run of a case: its folder, and the library its programs run on ("" for the system's)."""

    def __init__(self, root, folder, library):
        self.root = root
        self.folder = folder
        self.library = library
        self.servers = []
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)

    def environment(self, extra=None):
        """The environment of a program under test: few variables, so that runs are alike."""
        kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ}
        kept.update(HOME=self.folder, TMPDIR=self.folder, LC_ALL="C.UTF-8", PYTHONMALLOC="malloc",
                    PYTHONHASHSEED="1", PYTHONDONTWRITEBYTECODE="1")
        for name in os.environ:
            if name.startswith("TARN_") and name != "TARN_TEST_SUBJECT":
                kept[name] = os.environ[name]
        if self.library:
            kept["LD_PRELOAD"] = self.library
        kept.update(extra or {})
        return kept

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def call(self, command, give=None, env=None, status=0, timeout=240):
        """Runs a command in the case's folder and returns its stdout; anything but the status expected,
        or a word of the loader's about the preload, ends the case."""
        done = subprocess.run(command, input=give, cwd=self.folder, env=self.environment(env),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        self.check_errors(command, done.stderr)
        if done.returncode != status:
            raise RuntimeError(f"{' '.join(command)[:200]} ended with {done.returncode} on "
                               f"{self.library or 'the system allocator'}: "
                               f"{done.stderr[-2000:].decode(errors='replace')}"
                               f"{done.stdout[-1000:].decode(errors='replace')}")
        return done.stdout

    def serve(self, command):
        """Starts a server of the case's; it is ended by its id when the case is."""
        log = open(self.path(f"server-{len(self.servers)}.log"), "wb")
        server = subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdout=log,
                                  stderr=log)
        log.close()
        self.servers.append(server)
        if self.library:
            self.check_mapped(server)
        return server

    def check_mapped(self, server):
        for _ in range(200):
            with open(f"/proc/{server.pid}/maps", encoding="utf-8") as maps:
                if os.path.realpath(self.library) in maps.read():
                    return
            time.sleep(0.02)
        raise RuntimeError(f"server {server.pid} runs without the library")

    def check_errors(self, command, text):
        for mark in (b"ERROR: ld.so", b"tarn: "):
            if mark in text:
                raise RuntimeError(f"{command[0]}: {text.decode(errors='replace')}")

    def stop(self):
        for number, server in enumerate(self.servers):
            ended = server.poll()
            if ended is None:
                server.send_signal(signal.SIGTERM)
                try:
                    ended = server.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    server.kill()
                    server.wait()
                    raise RuntimeError(f"{server.args[0]} did not end") from None
            if ended not in (0, -signal.SIGTERM):
                log = self.read(f"server-{number}.log").decode(errors="replace")
                raise RuntimeError(f"{server.args[0]} ended with {ended}: {log[-2000:]}")


def is_dynamic(path):
    """True iff the program has a loader, which is what a preload needs."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:4] != b"\x7fELF":
            return False
        offset = int.from_bytes(head[32:40], "little")
        size = int.from_bytes(head[54:56], "little")
        for i in range(int.from_bytes(head[56:58], "little")):
            file.seek(offset + i * size)
            if int.from_bytes(file.read(4), "little") == 3:
                return True
    return False


def find(*names):
    """The first of these programs that is there and can take a preload."""
    for name in names:
        path = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin:" + os.environ.get("PATH", ""))
        if path and is_dynamic(os.path.realpath(path)):
            return path
    raise Skip(f"{' or '.join(names)} (as a dynamic program)")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(ready, seconds=30):
    """Asks until it is so; whatever keeps it from being so counts as not yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("a server did not come up")


def run_case(case, name, library, scratch, root):
    """Both runs and the comparison; ends the process with 0, 1, or 77 with what is missing."""
    answers = []
    try:
        for subject in ("", library):
            world = World(root, os.path.join(scratch, name), subject)
            try:
                maps = world.call([find("cat"), "/proc/self/maps"]).decode()
                if subject and os.path.realpath(subject) not in maps:
                    raise RuntimeError(f"{subject} is not preloaded")
                answers.append(case(world))
            finally:
                world.stop()
    except Skip as lacking:
        print(f"skipped: {lacking} is not on this machine", file=sys.stderr)
        sys.exit(77)
    except (RuntimeError, subprocess.TimeoutExpired) as fault:
        print(fault, file=sys.stderr)
        sys.exit(1)
    shutil.rmtree(os.path.join(scratch, name), ignore_errors=True)
    if not answers[0]:
        print("the program gave nothing", file=sys.stderr)
        sys.exit(1)
    if answers[0] != answers[1]:
        for number, (first, second) in enumerate(zip(answers[0], answers[1])):
            if first != second:
                print(f"answer {number} differs: {first[:300]!r} and {second[:300]!r}",
                      file=sys.stderr)
        sys.exit(1)
