"""Which allocators there are on this machine, and how a program comes to run on each."""

from __future__ import annotations

import argparse
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# `tarn bench` says where an installed suite has its programs and its library.
BUILD = Path(os.environ.get("TARN_BENCH_BUILD") or ROOT / "build")
TARN = Path(os.environ.get("TARN_BENCH_LIBRARY") or BUILD / "libtarn.so")
LIBC = Path("libc.so.6")  # by its name: the loader knows where it is

# What the distribution ships: the name in tables, then the libraries that may hold it, best first.
DISTRIBUTION = {
    "jemalloc": ("libjemalloc.so.2",),
    "mimalloc": ("libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so.2.0"),
    "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4"),
}
LIBRARY_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib",
)


class AllocatorError(Exception):
    """An allocator that was asked for is not there."""


@dataclass(frozen=True)
class Allocator:
    """A column of the tables."""

    name: str
    library: Path
    environment: dict[str, str] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """The environment in which a program runs on it."""
        return {**os.environ, **self.environment, "LD_PRELOAD": str(self.library)}

    def version(self) -> str:
        """What the distribution, or the file name, says this is."""
        path = self.library
        if path == LIBC:
            found = subprocess.run(
                ["getconf", "GNU_LIBC_VERSION"], capture_output=True, text=True, check=False
            )
            return found.stdout.strip() or path.name
        if path == TARN:
            found = subprocess.run(
                ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                capture_output=True, text=True, check=False,
            )
            return found.stdout.strip() or "unknown"
        owner = subprocess.run(
            ["dpkg-query", "-S", str(path.resolve())], capture_output=True, text=True, check=False
        )
        if owner.returncode == 0:
            package = owner.stdout.split(": ")[0]
            found = subprocess.run(
                ["dpkg-query", "-W", "-f", "${Package} ${Version}", package],
                capture_output=True, text=True, check=False,
            )
            if found.returncode == 0:
                return found.stdout
        return path.resolve().name


def tarn() -> Allocator:
    """Tarn as it was built."""
    if not TARN.exists():
        raise AllocatorError(f"{TARN} is not there: run 'make' first, or leave Tarn out with --allocators")
    return Allocator("tarn", TARN)


def system() -> Allocator:
    """The C library's own malloc."""
    # Preloaded too: some programs are linked with an allocator of their own.
    return Allocator("glibc", LIBC)


def distribution() -> list[Allocator]:
    """Those of the distribution's allocators that are installed."""
    found = []
    for name, libraries in DISTRIBUTION.items():
        paths = (Path(folder) / library for library in libraries for folder in LIBRARY_FOLDERS)
        path = next((p for p in paths if p.exists()), None)
        if path is not None:
            found.append(Allocator(name, path))
    return found


def peer(argument: str) -> Allocator:
    """--peers [NAME=]PATH: any further library that replaces malloc."""
    name, equals, path = argument.rpartition("=")
    library = Path(path).resolve()
    if not library.exists():
        raise AllocatorError(f"{path} is not there")
    return Allocator(name if equals else library.name.removeprefix("lib").split(".")[0], library)


def variant(argument: str, known: list[Allocator]) -> Allocator:
    """--variant [ALLOCATOR/]NAME:VAR=VALUE[;VAR=VALUE...]: an allocator under other settings."""
    title, colon, settings = argument.partition(":")
    base, slash, _ = title.partition("/")
    base = base if slash else "tarn"
    pairs = [setting.partition("=") for setting in settings.split(";")]
    if not colon or not title or any(not equals for _, equals, _ in pairs):
        raise AllocatorError(f"--variant: [ALLOCATOR/]NAME:VAR=VALUE[;VAR=VALUE] is needed, not '{argument}'")
    found = next((a for a in known if a.name == base), None)
    if found is None and base == "tarn":
        found = tarn()
    if found is None:
        raise AllocatorError(f"--variant: there is no allocator '{base}'")
    return Allocator(
        title if slash else f"tarn/{title}", found.library, {name: value for name, _, value in pairs}
    )


def choose(names: str | None, peers: list[str], variants: list[str]) -> list[Allocator]:
    """The columns of a run; all that are installed unless `names` picks some."""
    further = [peer(p) for p in peers]
    known = [system(), *distribution(), *further]
    if names is None:
        chosen = [tarn(), *known]
    else:
        wanted = names.split(",")
        by_name = {a.name: a for a in known}
        wanted += [a.name for a in further if a.name not in wanted]
        for name in wanted:
            if name != "tarn" and name not in by_name:
                raise AllocatorError(f"there is no allocator '{name}' here; there are: tarn, {', '.join(by_name)}")
        chosen = [tarn() if name == "tarn" else by_name[name] for name in wanted]
    return chosen + [variant(v, known) for v in variants]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options by which every tool here is told its allocators."""
    parser.add_argument("--allocators", help="tarn,glibc,... instead of all that are installed")
    parser.add_argument("--peers", action="append", default=[], metavar="[NAME=]PATH",
                        help="a further library that replaces malloc")
    parser.add_argument("--variant", action="append", default=[],
                        metavar="[ALLOCATOR/]NAME:VAR=VALUE[;VAR=VALUE]",
                        help="a further column: an allocator (Tarn) under other settings")


def chosen(options: argparse.Namespace) -> list[Allocator]:
    """What add_options was told."""
    return choose(options.allocators, options.peers, options.variant)
