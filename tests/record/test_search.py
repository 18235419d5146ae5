"""Finding our run: by the token in its state file, else because it is the only new one."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from one_trace.capture import tracking
from one_trace.capture.call import Asked
from one_trace.host.via import run_marks
from one_trace.record.search import Wanted, find, find_by_token
from one_trace.record.snapshot import Snapshot
from one_trace.settings.sources import load

TOKEN = "0123456789abcdef0123456789abcdef"
OURS = Wanted(run_marks(TOKEN))


def leave_state(
    project: Path, run: str, *, started: str | None = "2026-04-06T10:00:00.000Z", key: str = "f", **env: str
) -> Path:
    runs = project / ".one" / "flows" / ".runs"
    runs.mkdir(parents=True, exist_ok=True)
    state = {"runId": run, "flowKey": key, "startedAt": started, "inputs": {}, "context": {"env": env}}
    path = runs / f"{key}-{run}.state.json"
    path.write_text(json.dumps(state, indent=2))
    return path


def found(project: Path, before: Snapshot, wanted: Wanted = OURS) -> str | int:
    """The run's id, or how many candidates there are."""
    reported = find(before, wanted, [project])
    return reported.files.run_id if reported.files else reported.candidates


def test_of_several_runs_with_our_token_the_first_to_start_is_ours(tmp_path: Path) -> None:
    """A bash step that starts the host by its path passes our token on to another run."""
    leave_state(tmp_path, "00000000000a", started="2026-04-06T10:00:05.000Z", ONE_TRACE_TOKEN=TOKEN)
    leave_state(tmp_path, "00000000000b", started="2026-04-06T10:00:01.000Z", ONE_TRACE_TOKEN=TOKEN)
    leave_state(tmp_path, "00000000000c", started=None, ONE_TRACE_TOKEN=TOKEN)
    leave_state(tmp_path, "00000000000d", started="2026-04-06T09:00:00.000Z", ONE_TRACE_TOKEN="another")
    assert found(tmp_path, Snapshot()) == "00000000000b"


def test_of_several_runs_with_our_token_the_one_of_our_flow_is_ours(tmp_path: Path) -> None:
    """The clock may have been set back between the two."""
    leave_state(tmp_path, "00000000000a", started="2026-04-06T10:00:05.000Z", ONE_TRACE_TOKEN=TOKEN)
    leave_state(tmp_path, "00000000000b", started="2026-04-06T09:00:01.000Z", key="g", ONE_TRACE_TOKEN=TOKEN)
    assert found(tmp_path, Snapshot(), Wanted(run_marks(TOKEN), key=lambda: "f")) == "00000000000a"


@pytest.mark.parametrize("when", [0, 2**31 - 1])
def test_file_times_are_not_compared_with_our_clock(tmp_path: Path, when: int) -> None:
    """The file system's clock may differ from ours."""
    os.utime(leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN=TOKEN), (when, when))
    for number in range(200):
        leave_state(tmp_path, f"{number:012x}", ONE_TRACE_TOKEN="another")
    new = Snapshot(str(tmp_path))
    os.utime(leave_state(tmp_path, "ffffffffffff", ONE_TRACE_TOKEN=TOKEN), (when, when))
    assert found(tmp_path, new) == "ffffffffffff"


def test_the_token_may_follow_megabytes_of_inputs(tmp_path: Path) -> None:
    path = leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN=TOKEN)
    state = json.loads(path.read_text())
    state["inputs"] = {"big": "x" * (5 << 20)}
    path.write_text(json.dumps(state, indent=2))
    assert found(tmp_path, Snapshot()) == "00000000000a"


def test_a_resumed_run_is_found_by_the_part_of_its_id_that_was_typed(tmp_path: Path) -> None:
    old = leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN="another")
    before = Snapshot(str(tmp_path), "0000000a")
    assert found(tmp_path, before, Wanted(run_marks(TOKEN), resumed="0000000a")) == 0
    leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN=TOKEN)
    os.utime(old, (0, 0))
    for number in range(100, 200):
        leave_state(tmp_path, f"{number:012x}", ONE_TRACE_TOKEN="another")
    assert found(tmp_path, before, Wanted(run_marks(TOKEN), resumed="0000000a")) == "00000000000a"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"ONE_TRACE_TOKEN": "***", "ONE_TRACE_VIA": "***", "PATH": "***"},
        {"ONE_TRACE_TOKEN": "[redacted]"},
    ],
    ids=["none", "stars", "redacted"],
)
def test_without_the_token_the_only_new_run_of_our_flow_is_ours(tmp_path: Path, env: dict[str, str]) -> None:
    leave_state(tmp_path, "00000000000a", **env)
    before = Snapshot(str(tmp_path))
    assert found(tmp_path, before, Wanted(run_marks(TOKEN), key=lambda: "f")) == 0
    leave_state(tmp_path, "00000000000b", **env)
    leave_state(tmp_path, "00000000000c", key="g", **env)
    assert found(tmp_path, before, Wanted(run_marks(TOKEN), key=lambda: "f")) == "00000000000b"
    leave_state(tmp_path, "00000000000d", **env)
    assert found(tmp_path, before, Wanted(run_marks(TOKEN), key=lambda: "f")) == 2, "there is no guessing"
    assert (
        found(tmp_path, before, Wanted(run_marks(TOKEN), key=lambda: "f", reported_id="00000000000d"))
        == "00000000000d"
    )


def test_if_only_the_token_is_masked_the_call_identifies_the_run(tmp_path: Path) -> None:
    via = f"{TOKEN[:12]} 00c0ffee 1.1 /bin/one"
    leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN="***", ONE_TRACE_VIA=via, PATH="/bin")
    leave_state(tmp_path, "00000000000b", ONE_TRACE_TOKEN="***", ONE_TRACE_VIA=via[::-1], PATH="/bin")
    assert found(tmp_path, Snapshot()) == "00000000000a"


def test_a_new_run_with_another_token_is_not_ours(tmp_path: Path) -> None:
    leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN=TOKEN[::-1])
    leave_state(tmp_path, "00000000000b", PATH="/usr/bin:/bin")
    assert found(tmp_path, Snapshot()) == 0


def test_special_files_as_states_are_not_waited_for(tmp_path: Path) -> None:
    runs = leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN=TOKEN).parent
    os.mkfifo(runs / "f-00000000000b.state.json")
    with (runs / "f-00000000000c.state.json").open("wb") as sparse:
        sparse.truncate(300 << 30)
    (runs / "f-00000000000d.state.json").mkdir()
    assert found(tmp_path, Snapshot()) == "00000000000a"


def test_a_missing_folder_contains_no_run(tmp_path: Path) -> None:
    assert find_by_token(tmp_path / "elsewhere", OURS) is None


def test_a_folder_is_listed_once_after_each_change_and_by_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold 10,000 runs, and two threads that list it get in each other's way."""
    runs = leave_state(tmp_path, "00000000000a").parent
    before, listed = Snapshot(str(tmp_path)), list[str]()
    begun, go_on = threading.Event(), threading.Event()

    def names(folder: str) -> list[str]:
        listed.append(folder)
        begun.set()
        assert go_on.wait(10)
        return [path.name for path in Path(folder).iterdir()]

    for module in ("record.snapshot.names", "guard.files.names"):
        monkeypatch.setattr(f"one_trace.{module}", names)
    leave_state(tmp_path, "00000000000b", ONE_TRACE_TOKEN=TOKEN)
    ahead = threading.Thread(target=find_by_token, args=[tmp_path, OURS, before])
    ahead.start()
    assert begun.wait(10)
    threading.Timer(0.05, go_on.set).start()
    assert found(tmp_path, before) == "00000000000b"
    ahead.join()
    assert found(tmp_path, before) == "00000000000b"
    assert len(listed) == 1
    os.utime(runs, (0, 0))
    assert find_by_token(tmp_path, Wanted((b"another",)), before, only_new=True) is None
    assert len(listed) == 2, "after a change"


def test_a_run_is_found_though_the_time_of_its_folder_has_not_changed(tmp_path: Path) -> None:
    """Two files are added within one tick of the file system's clock, or that clock stands still."""
    runs = leave_state(tmp_path, "00000000000a").parent
    before = Snapshot(str(tmp_path))
    os.utime(runs, (1, 1))
    assert find_by_token(tmp_path, OURS, before, only_new=True) is None
    leave_state(tmp_path, "00000000000b", ONE_TRACE_TOKEN=TOKEN)
    os.utime(runs, (1, 1))
    assert found(tmp_path, before) == "00000000000b"


def test_a_resumed_run_is_found_while_it_runs(tmp_path: Path) -> None:
    leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN="another")
    before = Snapshot(str(tmp_path), "0000000a")
    leave_state(tmp_path, "00000000000a", ONE_TRACE_TOKEN=TOKEN)
    files = find_by_token(tmp_path, OURS, before, only_new=True)
    assert files is not None
    assert files.run_id == "00000000000a"


def test_the_end_of_a_run_lists_no_folder_beside_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name would wait for the thread that imports: of 10,000, as long as the imports take."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONE_TRACES_DATA_DIR", str(tmp_path / "data"))
    order: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def warm(settings: object) -> None:
        begun.set()
        assert go_on.wait(10)
        order.append("imported")

    def listed(folder: str) -> list[str]:
        order.append("listed")
        return []

    monkeypatch.setattr(tracking, "warm", warm)
    ours = tracking.Tracking(load(), Asked(["flow", "execute", "f"], []), "/bin/true", TOKEN)
    ours.begin(os.getpid())
    assert begun.wait(10)
    monkeypatch.setattr("one_trace.record.snapshot.names", listed)
    threading.Timer(0.1, go_on.set).start()
    assert ours.find(None, succeeded=True) == (None, 0)
    ours.done()
    assert order[0] == "imported"
    assert "listed" in order
