"""Which run is ours, told by the word that its environment holds."""

from __future__ import annotations

import json
from pathlib import Path

from one_trace.record import find_by_token

TOKEN = "0123456789abcdef0123456789abcdef"


def leave_state(project: Path, run: str, *, started: str | None, token: str = TOKEN) -> None:
    runs = project / ".one" / "flows" / ".runs"
    runs.mkdir(parents=True, exist_ok=True)
    state = {
        "runId": run,
        "flowKey": "f",
        "startedAt": started,
        "context": {"env": {"ONE_TRACE_TOKEN": token}},
    }
    (runs / f"f-{run}.state.json").write_text(json.dumps(state, indent=2))


def test_of_several_that_hold_the_word_the_first_to_start_is_ours(tmp_path: Path) -> None:
    """A bash step that starts the host by its path hands our word on to a run that is not ours."""
    leave_state(tmp_path, "00000000000a", started="2026-04-06T10:00:05.000Z")
    leave_state(tmp_path, "00000000000b", started="2026-04-06T10:00:01.000Z")
    leave_state(tmp_path, "00000000000c", started=None)
    leave_state(tmp_path, "00000000000d", started="2026-04-06T09:00:00.000Z", token="another")
    found = find_by_token(tmp_path, TOKEN, 0.0)
    assert found is not None
    assert found.run_id == "00000000000b"


def test_what_was_not_touched_since_is_not_ours(tmp_path: Path) -> None:
    leave_state(tmp_path, "00000000000a", started="2026-04-06T10:00:05.000Z")
    assert find_by_token(tmp_path, TOKEN, 2.0**40) is None
    assert find_by_token(tmp_path / "elsewhere", TOKEN, 0.0) is None
