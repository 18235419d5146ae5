"""A run of 100,000 spans is read and written without the garbage collector, which would look at all of them
again and again.
"""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from one_trace.cli import export, open_report


class Stopped(Exception):
    pass


@pytest.mark.parametrize(
    ("command", "reads", "argv"),
    [(open_report, "_page", ["last"]), (export, "trace_of", ["last", "--format", "json"])],
    ids=["open", "export"],
)
def test_the_collector_is_held_back(
    command: object, reads: str, argv: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONE_TRACES_DATA_DIR", str(tmp_path))

    def read(*asked: object) -> None:
        assert not gc.isenabled()
        raise Stopped

    monkeypatch.setattr(command, reads, read)
    gc.enable()  # a command that another test has called in this process may have switched it off
    with pytest.raises(Stopped):
        command.command.main(argv, standalone_mode=False)  # type: ignore[attr-defined]
    assert gc.isenabled()
