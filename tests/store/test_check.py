"""The check of a large store: of its last runs, and it says so."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from flips import EDITS, fill

from one_trace.cli.checks import files
from one_trace.errors import StoreError
from one_trace.store import check

RUNS = 12


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "traces.db"
    fill(path, RUNS)
    return path


@pytest.fixture
def large(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that counts as a large one: only its last three runs, one of which failed, are checked."""
    monkeypatch.setattr(check, "MOST", 60)
    monkeypatch.setenv("ONE_TRACES_DATA_DIR", str(tmp_path))
    return Path(shutil.copy(sound, tmp_path / "traces.db"))


def edit(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql)
    connection.close()


def test_a_large_store_is_sound_only_as_far_as_it_was_checked(large: Path) -> None:
    (found,) = files.store(whole=False)
    assert found.state == "ok"
    assert found.message == (
        f"12 runs, writable, at {large}; the last 3 are sound, the others were not checked"
    )
    assert found.fix == "one trace doctor --all-runs"


def test_damage_in_an_old_run_is_found_by_the_check_of_all(large: Path) -> None:
    edit(large, "UPDATE spans SET status = 'sucbess' WHERE run = 1")
    assert check.examine(large).checked == 3
    with pytest.raises(StoreError, match="spans has invalid values"):
        check.examine(large, whole=True)


@pytest.mark.parametrize("sql", EDITS)
def test_whatever_is_wrong_with_the_last_runs_is_found(large: Path, sql: str) -> None:
    edit(large, sql)
    with pytest.raises(StoreError) as caught:
        check.examine(large)
    assert caught.value.code == "store-damaged"


def test_a_small_store_is_checked_as_a_whole(sound: Path) -> None:
    health = check.examine(sound)
    assert (health.runs, health.checked) == (RUNS, None)
