"""One workload, once, on one allocator: what it used and whether its answer was right."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .allocators import BUILD, Allocator

LAUNCHER = BUILD / "bench" / "bench-measure"
TIME_LIMIT = 600  # seconds for one run, after which it counts as hanging


class WorkloadError(Exception):
    """A workload failed, hung, or gave another answer than before."""


@dataclass(frozen=True)
class Workload:
    """A row of the tables: a command that does a fixed amount of work and prints its answer."""

    name: str
    group: str
    what: str
    command: tuple[str, ...]
    input: Path | None = None  # standard input
    room: Path | None = None  # working directory
    output: Path | None = None  # a file whose content is part of the answer
    environment: dict[str, str] = field(default_factory=dict)
    # For servers: drives the server and stops it; what it returns is the answer.
    client: Callable[[], bytes] | None = None
    # Takes out of an answer what may differ from run to run.
    normalise: Callable[[bytes], bytes] = bytes


@dataclass(frozen=True)
class Sample:
    """What one run used."""

    user: float  # seconds
    system: float  # seconds
    wall: float  # seconds
    peak: int  # KiB, of the largest process
    minor_faults: int
    major_faults: int
    answer: str  # digest

    @property
    def cpu(self) -> float:
        return self.user + self.system

    def as_json(self) -> dict[str, float | int | str]:
        return asdict(self)


def run(workload: Workload, allocator: Allocator) -> Sample:
    """Runs the workload; raises WorkloadError when it fails."""
    settings = {**workload.environment, **allocator.environment}
    with tempfile.TemporaryDirectory(prefix="tarn-bench-") as folder:
        report = Path(folder) / "report"
        command = [
            str(LAUNCHER),
            str(report),
            str(allocator.library),
            *(f"{name}={value}" for name, value in settings.items()),
            *workload.command,
        ]
        where = f"{workload.name} on {allocator.name}"
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        with (
            output.open("wb") as out,
            errors.open("wb") as err,
            (workload.input or Path(os.devnull)).open("rb") as standard_input,
        ):
            process = subprocess.Popen(
                command, stdin=standard_input, stdout=out, stderr=err, cwd=workload.room
            )
            answer = b""
            try:
                if workload.client is not None:
                    answer = workload.client()
                process.wait(timeout=TIME_LIMIT)
            except subprocess.TimeoutExpired as error:
                raise WorkloadError(f"{where}: not done after {TIME_LIMIT} s") from error
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if process.returncode != 0:
            tail = errors.read_text(errors="replace")[-2000:]
            raise WorkloadError(f"{where}: ended with status {process.returncode}\n{tail}")
        if workload.client is None:
            answer = output.read_bytes()
        if workload.output is not None:
            answer += workload.output.read_bytes()
        fields = report.read_text().split()
    return Sample(
        user=float(fields[0]),
        system=float(fields[1]),
        wall=float(fields[2]),
        peak=int(fields[3]),
        minor_faults=int(fields[4]),
        major_faults=int(fields[5]),
        answer=hashlib.sha256(workload.normalise(answer)).hexdigest()[:16],
    )
