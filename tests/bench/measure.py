"""Timing whole processes: interleaved, so that a busy moment falls on both sides of a ratio alike."""

from __future__ import annotations

import os
import pty
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PASS = (sys.executable, "-c", "pass")


class Took(NamedTuple):
    """Seconds of one process: by the clock, and of the processor. The second hardly minds a busy machine."""

    wall: float
    cpu: float


Call = Callable[[], Took]


@dataclass(frozen=True)
class Figure:
    """One measured figure; `bar` is the greatest value that will do, None where there is no bar."""

    name: str
    value: float
    unit: str
    bar: float | None
    detail: str

    @property
    def held(self) -> bool:
        return self.bar is None or self.value <= self.bar


@dataclass
class Bench:
    """A folder to work in, our program in it as an installer writes it, and a PATH with nothing else."""

    root: Path
    runs: int
    """How many runs the large store has."""
    repeat: int = 5
    spans: int = 10_000_000
    """How many spans the largest store has."""
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("home", "ours", "bin"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        script = (ROOT / "one_trace" / "scripts" / "one").read_text()
        self.executable(self.root / "ours" / "one", script.replace("#!python", f"#!{sys.executable}", 1))
        self.env = {
            "PATH": os.pathsep.join([str(self.root / "ours"), str(self.root / "bin"), "/usr/bin", "/bin"]),
            "HOME": str(self.root / "home"),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
        }

    @property
    def one(self) -> str:
        return str(self.root / "ours" / "one")

    @staticmethod
    def executable(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def command(self, *argv: str, data: Path | None = None) -> Call:
        """A call that runs our program once."""
        chosen = {"ONE_TRACES_DATA_DIR": str(data)} if data else {}
        return lambda: self.time([self.one, *argv], self.env | chosen)

    def bare(self) -> Took:
        """`python -c pass`: what all else is measured by."""
        return self.time(PASS, self.env)

    def time(
        self, argv: Sequence[str], env: dict[str, str], cwd: Path | None = None, given: bytes = b""
    ) -> Took:
        """What one process took, with `given` on its standard input. A process that fails is no
        measurement."""
        used = _children()
        begin = time.perf_counter()
        done = subprocess.run(
            argv, env=env, cwd=cwd or self.root, input=given, capture_output=True, check=False
        )  # empty input is at its end at once, as the null device
        took = Took(time.perf_counter() - begin, _children() - used)
        if done.returncode:
            raise RuntimeError(
                f"{argv} ended with {done.returncode}: {(done.stderr or done.stdout)[-500:]!r}"
            )
        return took

    def interleaved(
        self, *calls: Call, repeat: int | None = None, choose: Callable[[Iterable[float]], float] = min
    ) -> list[Took]:
        """What each call took, all of them in turn, after one round that does not count.

        `choose` takes one of the rounds: the best unless told otherwise, as all else is the machine's
        other work.
        """
        rounds = [[call() for call in calls] for _ in range((repeat or self.repeat) + 1)][1:]
        return [
            Took(choose(took.wall for took in column), choose(took.cpu for took in column))
            for column in zip(*rounds, strict=True)
        ]

    def peak_mb(self, argv: Sequence[str], env: dict[str, str], cwd: Path) -> tuple[float, int]:
        """The greatest resident memory of a process and of what it waited for, in MB, and how many bytes
        it printed.
        """
        process = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        printed = 0
        while block := process.stdout.read(1 << 20):
            printed += len(block)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{argv} ended with {process.returncode}")
        return usage.ru_maxrss / 1024, printed

    def in_terminal(self, argv: Sequence[str], env: dict[str, str], cwd: Path) -> tuple[float, int]:
        """Processor seconds of a process that has a terminal, and of what it waited for; and how many bytes
        it wrote there.
        """
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(cwd)
            os.execve(argv[0], argv, env)
        written = 0
        with suppress(OSError):  # how Linux says that the other side has gone
            while data := os.read(terminal, 1 << 16):
                written += len(data)
        os.close(terminal)
        _, status, usage = os.wait4(child, 0)
        if status:
            raise RuntimeError(f"{argv} ended with {os.waitstatus_to_exitcode(status)}")
        return usage.ru_utime + usage.ru_stime, written


def ms(took: Took) -> str:
    return f"{took.wall * 1000:.0f} ms"


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
