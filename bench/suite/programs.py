"""The rows made of real programs, with the input that each is given.

A job is possible where its commands are installed. To add one, write a function that returns its
Workload and name it in JOBS.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import nginx, redis
from .allocators import BUILD, ROOT
from .measure import Workload

SCRIPTS = ROOT / "bench" / "programs"
SYSTEM_PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else "python3"


@dataclass(frozen=True)
class Job:
    """A workload that still has to be given its input."""

    name: str
    group: str
    what: str
    needs: tuple[str, ...]  # commands
    build: Callable[[Job, Path, int], Workload]  # job, an empty folder of its own, percent
    percent: int = 100

    def possible(self) -> bool:
        if self.build is _our_sources and not (BUILD / "compile_commands.json").exists():
            return False  # an installed suite has no sources to compile
        return all(shutil.which(command) for command in self.needs)

    def prepare(self, room: Path) -> Workload:
        own = room / self.name
        own.mkdir()
        return self.build(self, own, self.percent)

    def workload(self, *command: str | Path, **more: object) -> Workload:
        return Workload(self.name, self.group, self.what, tuple(map(str, command)), **more)  # type: ignore[arg-type]


def _our_sources(job: Job, room: Path, percent: int) -> Workload:
    """Compiles our own files one by one, as a build does; the assembly is the answer."""
    lines = []
    ours = (str(ROOT / "src"), str(ROOT / "bench"))
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        if not entry["file"].startswith(ours) or not entry["file"].endswith(".c"):
            continue
        words = entry["command"].split()
        keep = [w for w in words if w.startswith(("-I", "-D", "-std=", "-f"))]
        lines.append(" ".join(["gcc -O2 -S -o -", *keep, entry["file"]]))
    script = room / "compile.sh"
    most = max(1, 40 * percent // 100)
    script.write_text("set -e\n" + "\n".join(sorted(lines)[:most]) + "\n")
    return job.workload("sh", script)


def _large_source(job: Job, room: Path, percent: int) -> Workload:
    """One long file of C with many functions that call each other."""
    dice = random.Random(1)
    lines = ["#include <stdio.h>", "#include <string.h>", "struct node { struct node *next; int value; };"]
    for i in range(max(20, 400 * percent // 100)):
        calls = "".join(
            f"  total += function_{dice.randrange(i)}(n - 1, list) * {dice.randrange(1, 99)};\n"
            for _ in range(min(i, 3))
        )
        lines.append(
            f"int function_{i}(int n, struct node *list) {{\n  int total = n * {i};\n"
            f"  if (n <= {dice.randrange(3)}) return total;\n"
            f"  for (struct node *at = list; at != NULL; at = at->next) {{\n"
            f"    if (at->value % {dice.randrange(2, 50)} == 0) total ^= at->value + {i};\n"
            f"    else switch (at->value & 3) {{ case 0: total += {dice.randrange(99)}; break;"
            f" case 1: total *= 3; break; default: total -= n; }}\n  }}\n{calls}  return total;\n}}"
        )
    source = room / "large.c"
    source.write_text("\n".join(lines) + "\n")
    return job.workload(job.needs[0], "-O2", "-S", "-o", "-", source)


def _templates(job: Job, room: Path, percent: int) -> Workload:
    count = max(2, 5 * percent // 100)
    return job.workload("g++", "-std=c++17", "-O1", "-S", f"-DCOUNT={count}", "-o", "-", SCRIPTS / "templates.cc")


def _python(job: Job, room: Path, percent: int) -> Workload:
    environment = {"PYTHONHASHSEED": "1"}
    if "malloc" in job.name:
        environment["PYTHONMALLOC"] = "malloc"
    size = 120_000 * percent // 100
    return job.workload(SYSTEM_PYTHON, SCRIPTS / "objects.py", str(size), environment=environment)


def _sqlite(job: Job, room: Path, percent: int) -> Workload:
    script = room / "rows.sql"
    script.write_text((SCRIPTS / "rows.sql").read_text().replace("@ROWS@", str(400_000 * percent // 100)))
    return job.workload("sqlite3", ":memory:", input=script)


def _perl(job: Job, room: Path, percent: int) -> Workload:
    environment = {"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"}
    return job.workload("perl", SCRIPTS / "words.pl", str(20_000 * percent // 100), environment=environment)


def _lua(job: Job, room: Path, percent: int) -> Workload:
    return job.workload("lua5.4", SCRIPTS / "tables.lua", str(max(1, 150 * percent // 100)))


def _gawk(job: Job, room: Path, percent: int) -> Workload:
    rounds = 400_000 * percent // 100
    return job.workload("gawk", "-v", f"rounds={rounds}", "-f", SCRIPTS / "count.awk")


def _jq(job: Job, room: Path, percent: int) -> Workload:
    dice = random.Random(2)
    rows = [
        {"id": i, "kind": f"kind-{dice.randrange(50)}", "tags": [f"t{dice.randrange(500)}" for _ in range(5)],
         "price": dice.randrange(10_000) / 100, "inner": {"text": "x" * dice.randrange(40), "flag": i % 3 == 0}}
        for i in range(60_000 * percent // 100)
    ]
    source = room / "rows.json"
    source.write_text(json.dumps(rows))
    program = (
        'group_by(.kind) | map({kind: .[0].kind, count: length, total: (map(.price) | add),'
        ' tags: (map(.tags[]) | unique | length), longest: (map(.inner.text | length) | max)})'
    )
    return job.workload("jq", "-c", program, source)


def _git(job: Job, room: Path, percent: int) -> Workload:
    """A history of our own making, so that it is the same everywhere: read with patches, packed anew."""
    environment = {
        **os.environ,
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "Bench"), ("EMAIL", "bench@example.org"), ("DATE", "1700000000 +0000"))},
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
    }
    dice = random.Random(3)
    history = []
    files = {f"folder{n % 12}/file{n}.txt": [f"line {dice.randrange(1000)} of file {n}" for _ in range(400)]
             for n in range(120)}
    for commit in range(max(2, 300 * percent // 100)):
        changed = files if commit == 0 else dice.sample(sorted(files), 6)
        history.append(f"commit refs/heads/main\ncommitter Bench <bench@example.org> {1_700_000_000 + commit} +0000\n"
                       f"data 8\nchange{commit % 100:02d}\n")
        for name in changed:
            if commit:
                files[name][dice.randrange(400)] = f"line changed in {commit} to {dice.randrange(1000)}"
                files[name].insert(dice.randrange(400), f"line new in {commit}")
            text = "\n".join(files[name]) + "\n"
            history.append(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n")
    repository = room / "repository"
    quiet = {"check": True, "env": environment, "capture_output": True}
    subprocess.run(["git", "init", "-q", "--bare", str(repository)], **quiet)  # type: ignore[call-overload]
    subprocess.run(["git", "-C", str(repository), "fast-import", "--quiet"], input="".join(history).encode(), **quiet)  # type: ignore[call-overload]
    script = room / "git.sh"
    script.write_text(
        "set -e\ngit log -p --stat -M main | cksum\ngit blame main -- folder0/file0.txt | cksum\n"
        "git rev-list --objects main | git pack-objects -q --stdout --no-reuse-delta --no-reuse-object"
        " --threads=1 --window=50 | wc -c\n"
    )
    return job.workload("sh", script, room=repository, environment={
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull})


def _redis_mixed(job: Job, room: Path, percent: int) -> Workload:
    requests = room / "requests"
    redis.write_requests(requests, 400_000 * percent // 100)
    socket = room / "socket"
    return job.workload(*redis.command(room, socket), room=room, client=lambda: redis.replay(socket, requests))


def _redis_lists(job: Job, room: Path, percent: int) -> Workload:
    socket = room / "socket"
    count = 600_000 * percent // 100
    return job.workload(*redis.command(room, socket), room=room, client=lambda: redis.lists(socket, count))


def _nginx(job: Job, room: Path, percent: int) -> Workload:
    port = nginx.free_port()
    nginx.write_files(room, port, 60_000 * percent // 100)
    return job.workload(*nginx.command(room), room=room, client=lambda: nginx.drive(room, port))


_Build = Callable[[Job, Path, int], Workload]
JOBS: tuple[tuple[str, str, str, tuple[str, ...], _Build], ...] = (
    ("redis-lists", "patterns", "redis-server under redis-benchmark, lists (the classic)",
     ("redis-server", "redis-benchmark", "redis-cli"), _redis_lists),
    ("gcc-sources", "programs", "the C compiler on our own sources, file by file", ("gcc",), _our_sources),
    ("gcc-large", "programs", "the C compiler on one long file", ("gcc",), _large_source),
    ("clang-large", "programs", "clang on the same file", ("clang",), _large_source),
    ("g++-templates", "programs", "the C++ compiler on standard templates", ("g++",), _templates),
    ("python3-malloc", "programs", "python3, object churn, every object from malloc", (SYSTEM_PYTHON,), _python),
    ("python3", "programs", "the same job with python3's own small-object pools", (SYSTEM_PYTHON,), _python),
    ("sqlite3", "programs", "a database in memory", ("sqlite3",), _sqlite),
    ("redis-mixed", "programs", "redis-server: strings, hashes, lists, sets of mixed sizes",
     ("redis-server",), _redis_mixed),
    ("nginx", "programs", "nginx under wrk: files, compressed, some through a proxy", (nginx.PROGRAM, "wrk"), _nginx),
    ("perl", "programs", "text work over hashes", ("perl",), _perl),
    ("lua5.4", "programs", "trees of tables, strings", ("lua5.4",), _lua),
    ("gawk", "programs", "associative arrays of strings", ("gawk",), _gawk),
    ("git", "programs", "history with patches, blame, packing", ("git",), _git),
    ("jq", "programs", "a large JSON document grouped", ("jq",), _jq),
)


def jobs(group: str, percent: int) -> list[Job]:
    """The jobs of a group, those that this machine lacks the programs for among them."""
    return [Job(*job, percent=percent) for job in JOBS if job[1] == group]
