"""Tiers and fixtures that all tests share."""

from __future__ import annotations

import gc
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import REAL_ENV, Machine, real_one_in
from traces_server import FakeTracesServer, fake_traces_server

from tests.effort import register_profiles
from tests.tiers import TIERS, has_unit_tests, tier

register_profiles()


def pytest_configure(config: pytest.Config) -> None:
    share_bytecode(config, getattr(config, "workerinput", {}))
    config.pluginmanager.register(UnitTests())
    _deliver_signals()


def share_bytecode(config: pytest.Config, worker: dict[str, object]) -> None:
    """Each worker of xdist collects another part first, and keeps what it compiled for the others: half of
    what collecting takes. The programs that tests start keep theirs anyway."""
    sys.dont_write_bytecode = False
    if worker and config.args_source is config.ArgsSource.TESTPATHS:
        parts = sorted(
            str(path)
            for path in Path(__file__).parent.iterdir()
            if path.name != "__pycache__" and (path.is_dir() or path.match("test_*.py"))
        )
        first = len(parts) * int(str(worker["workerid"])[2:]) // int(str(worker["workercount"]))
        config.args[:] = [*parts[first:], *parts[:first]]


def _deliver_signals() -> None:
    """Children get signals as from a shell, even if pytest itself runs under `nohup` or in the background."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)  # exec resets a handler to the default


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers per core: half of the time, a test waits for a child, a terminal or a time-out. A unit test
    waits for nothing, and every worker imports all modules."""
    return (1 if only_unit_tests(config) else 2) * (os.cpu_count() or 1)


def only_unit_tests(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "unit")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_module = only_unit_tests(config) and collection_path.match("test_*.py")
    return True if is_module and not has_unit_tests(collection_path) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        if not any(item.get_closest_marker(name) for name in TIERS):
            item.add_marker(tier(item))
    for path in {item.path for item in items if item.get_closest_marker("unit")}:
        if not has_unit_tests(path):
            raise pytest.UsageError(f"{path}: `-m unit` would leave out its unit tests, see tests/tiers.py")
    yield
    items.sort(key=lambda item: item.path)  # the same order in each worker


def pytest_collection_finish() -> None:
    """What is imported and collected stays: a twelfth of the unit tier's time was looking through it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class UnitTests:
    """Fails a unit test that starts a process, so that the tier stays a matter of seconds."""

    STARTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"})

    def __init__(self) -> None:
        self.running = False
        sys.addaudithook(self.check)  # cannot be removed again: one for the whole session

    def check(self, event: str, _arguments: tuple[object, ...]) -> None:
        if self.running and event in self.STARTS:
            self.running = False
            raise AssertionError("a unit test started a process: mark it as a test of tier `program`")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.running = item.get_closest_marker("unit") is not None
        try:
            return (yield)
        finally:
            self.running = False


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root = tmp_path / "machine"
    root.mkdir()
    return Machine(root)


@pytest.fixture
def traces_server() -> Iterator[FakeTracesServer]:
    with fake_traces_server() as server:
        yield server


@pytest.fixture
def real_one(machine: Machine) -> Machine:
    """A machine whose host is the real One CLI; skipped if ONE_CLI is not set."""
    command = real_one_in(machine.root / "home")
    if command is None:
        pytest.skip("needs the real One CLI: set ONE_CLI to the path of its program, and have node on PATH")
    machine.script(machine.bin / "one", f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    machine.env |= REAL_ENV
    return machine
