"""A full disk is reported as such, and damages nothing."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator

import pytest
from machine import Machine
from made import assembly, loop

from one_trace.store import Store
from tests.effort import effort

RUN = ["--agent", "flow", "execute", "x", "--trace"]
ROOMY = "20m"


@pytest.fixture
def small(machine: Machine) -> Iterator[Machine]:
    """A machine whose data folder is a file system of its own."""
    machine.player("02-linear-unicode")
    machine.env["ONE_TRACES_RETENTION"] = "forever"
    if not mounted(machine, ROOMY):
        pytest.skip("a file system of some KB has to be mounted for this, which is not allowed here")
    yield machine
    subprocess.run(["umount", machine.data], check=True)


def mounted(machine: Machine, size: str, *, again: bool = False) -> bool:
    options = f"{'remount,' if again else ''}size={size}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(machine.data)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def state_of_store(machine: Machine) -> str:
    done = machine.one("--agent", "trace", "doctor", "--offline").document
    return next(check["state"] for check in done["checks"] if check["check"] == "store")


@pytest.mark.parametrize("kilobytes", range(16, 316, effort(40, 20)))
def test_a_first_run_on_a_nearly_full_disk_damages_nothing(small: Machine, kilobytes: int) -> None:
    mounted(small, f"{kilobytes}k", again=True)
    done = small.one(*RUN)
    (note,) = done.notes
    assert done.code == 0
    saved = note["event"] == "trace:saved"
    if not saved:
        assert (note["code"], note["hint"][-16:]) == ("disk-full", "one trace import")
    assert len(small.runs()) == saved, "a full disk can be read"
    mounted(small, ROOMY, again=True)
    assert small.one(*RUN).saved
    small.one("--agent", "trace", "import")  # of use only where not even a note of the run had room
    assert len(small.runs()) == 2
    assert state_of_store(small) == "ok"


@pytest.mark.parametrize("kilobytes", range(0, 240, effort(60, 30)))
def test_a_later_run_on_a_nearly_full_disk_damages_nothing(small: Machine, kilobytes: int) -> None:
    with Store(small.data / "traces.db") as store:
        store.save(assembly())
    used = sum(file.stat().st_blocks for file in small.data.iterdir()) // 2
    mounted(small, f"{used + kilobytes}k", again=True)
    (note,) = small.one(*RUN).notes
    assert note["event"] == "trace:saved" or note["code"] == "disk-full"
    mounted(small, ROOMY, again=True)
    assert len(small.runs()) == 1 + (note["event"] == "trace:saved")
    assert state_of_store(small) == "ok"


def test_doctor_says_that_the_disk_is_full(small: Machine) -> None:
    with Store(small.data / "traces.db") as store:
        store.save(assembly())
    mounted(small, f"{sum(file.stat().st_blocks for file in small.data.iterdir()) // 2 + 8}k", again=True)
    done = small.one("--agent", "trace", "doctor", "--offline")
    (store,) = [check for check in done.document["checks"] if check["check"] == "store"]
    assert (done.code, store["state"], "the disk is full" in store["message"]) == (1, "bad", True)


@pytest.mark.parametrize("kilobytes", [4, 40, 100, 200])
def test_a_limit_of_files_stands_in_for_a_quota(machine: Machine, kilobytes: int) -> None:
    """Stands in for a quota: `RLIMIT_FSIZE` gives the same disk I/O error of SQLite."""
    with Store(machine.root / "other.db") as store:
        store.save(loop(5000))
    machine.player("02-linear-unicode")
    if kilobytes == 200:
        (machine.root / "other.db").rename(machine.data / "traces.db")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, resource.RLIM_INFINITY))

    machine.env["PYTHONDONTWRITEBYTECODE"] = "1"  # a .pyc that is cut short stays for the next process
    done = machine.start("--agent", "trace", "prune", "--older-than", "1d", preexec_fn=limited)
    out, err = done.communicate(timeout=120)
    assert b"Traceback" not in err
    if kilobytes == 200:
        assert b'"disk-full"' in out
        assert len(machine.runs()) == 1
