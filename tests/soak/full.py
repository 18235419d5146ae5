"""A disk full at some size: the run never minds, and once there is space the store works and nothing is
lost."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.machine import Machine
from tests.soak.scene import CASE, RUN, Options, call, document, same_output, stage, system
from tests.soak.tally import Tally

SIZES = 50
SMALLEST_KB, STEP_KB = 4, 12
_ENOUGH = "64m"
_HOSTS_OWN_KB = 16
"""What the host itself writes: with the stand-in it is limited as we are."""
_NO_NOTE = "the trace is not saved: the disk is full, and one line says so"


def play(options: Options, tally: Tally) -> None:
    sizes = [SMALLEST_KB + STEP_KB * number for number in range(SIZES)]
    sizes = sizes[:: max(1, round(1 / options.scale))] if options.scale < 1 else sizes
    mounting = _can_mount()
    way = "a tmpfs of that size" if mounting else "a stand-in, RLIMIT_FSIZE: no file may be larger"
    if not mounting:
        sizes = [size for size in sizes if size >= _HOSTS_OWN_KB]
    tally.notes.append(f"{len(sizes)} sizes from {sizes[0]} to {sizes[-1]} KB, by {way}")
    with ThreadPoolExecutor(options.workers) as pool:
        tries = [pool.submit(_mounted if mounting else _limited, size, tally) for size in sizes]
        for each in tries:
            each.result()


def _can_mount() -> bool:
    with stage() as machine:
        try:
            with _tmpfs(machine.data, 64):
                return True
        except (OSError, subprocess.TimeoutExpired):
            return False


@contextmanager
def _tmpfs(folder: Path, kilobytes: int) -> Iterator[None]:
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        raise FileNotFoundError("mount")
    size = f"size={kilobytes}k,mode=0700"
    system(mount, "-t", "tmpfs", "-o", size, "one-trace-soak", str(folder))
    try:
        yield
    finally:
        system(umount, "-l", str(folder), check=False)


def _mounted(kilobytes: int, tally: Tally) -> None:
    with stage(CASE) as machine, _tmpfs(machine.data, kilobytes):

        def make_space() -> None:
            system("mount", "-o", f"remount,size={_ENOUGH}", str(machine.data))

        _try(machine, f"{kilobytes} KB", tally, make_space, {})


def _limited(kilobytes: int, tally: Tally) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, kilobytes << 10))

    with stage(CASE) as machine:
        _try(machine, f"{kilobytes} KB", tally, lambda: None, {"preexec_fn": limit})


def _try(
    machine: Machine, what: str, tally: Tally, make_space: Callable[[], None], while_full: dict[str, object]
) -> None:
    plain = call(machine, tally, *RUN[:-1], "--no-trace", **while_full)
    traced = set()
    for number in (1, 2, 3):
        done = call(machine, tally, *RUN, **while_full)
        tally.ran()
        if plain is None or done is None:
            continue
        if done.code != plain.code or not same_output(done.out, plain.out):
            tally.add("codes", f"{what}, run {number}: exit {done.code} for {plain.code}, or another output")
        notes = done.notes
        if len(notes) != 1:
            tally.add("other", f"{what}, run {number}: {len(notes)} lines of ours: {done.err[:200]!r}")
        traced |= {note["runId"] for note in notes if note["event"] == "trace:saved"}
        if any(note["event"] == "trace:trouble" for note in notes):
            tally.explain(_NO_NOTE)
    listed = call(machine, tally, "--agent", "trace", "list", "--full", **while_full)
    if listed is not None and document(listed) is None:
        tally.add("other", f"{what}, full: trace list: {listed.err[:200]!r}")
    make_space()
    _with_space(machine, what, traced, tally)


def _with_space(machine: Machine, what: str, traced: set[str], tally: Tally) -> None:
    """All runs are there after an import: those that were traced, and those that could not be."""
    kept = _runs(machine, tally, f"{what}, with space: trace list")
    for run in traced - kept:
        tally.add("lost", f"{what}: run {run} was said to be saved")
    imported = call(machine, tally, "--agent", "trace", "import")
    if imported is None or imported.code != 0:
        tally.add("other", f"{what}, with space: trace import: {imported.out[:300] if imported else None!r}")
    records = {path.name[-23:-11] for path in machine.project.glob(".one/flows/.runs/*.state.json")}
    for run in records - _runs(machine, tally, f"{what}, imported: trace list"):
        tally.add("lost", f"{what}: run {run} is not there after an import")


def _runs(machine: Machine, tally: Tally, what: str) -> set[str]:
    listed = call(machine, tally, "--agent", "trace", "list", "--full")
    found = document(listed) if listed is not None else None
    if listed is None or found is None or "runs" not in found:
        tally.add("other", f"{what}: {listed.out[:300] if listed else None!r}")
        return set()
    return {run["runId"] for run in found["runs"]}
