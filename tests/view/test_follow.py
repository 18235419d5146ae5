"""`trace show --follow`: a log that grows."""

from __future__ import annotations

import json
import os
import pty
import shutil
import time
from pathlib import Path

from truths import RECORDINGS

from one_trace.cli.follow import tail

CASE = RECORDINGS / "31b-default-retry"


def whole() -> bytes:
    (log,) = (CASE / "logs").iterdir()
    return log.read_bytes()


def test_tail_gives_each_line_once_however_it_is_cut(tmp_path: Path) -> None:
    data = whole()
    log = tmp_path / "x.log"
    log.write_bytes(data[:100])
    pieces = [data[at : at + 137] for at in range(100, len(data), 137)]

    def more() -> None:
        with log.open("ab") as file:
            file.write(pieces.pop(0))

    told = list(tail(log, more))
    assert told == [json.loads(line) for line in data.split(b"\n") if line]
    assert pieces == []


def test_tail_passes_over_what_is_no_line(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b'\xff\xfe\n[1]\n\n{"msg":"Flow failed"}\n')
    assert list(tail(log, lambda: None)) == [{"msg": "Flow failed"}]


def lay_out(project: Path) -> Path:
    """The recorded run's files in a project, its log empty; the log's path."""
    flows = project / ".one" / "flows"
    shutil.copytree(CASE / "flows", flows)
    (flows / ".logs").mkdir()
    shutil.copytree(CASE / "runs", flows / ".runs")
    (log,) = (CASE / "logs").iterdir()
    (flows / ".logs" / log.name).touch()
    return flows / ".logs" / log.name


def test_a_run_is_followed_to_its_end_and_then_shown(machine) -> None:
    log = lay_out(machine.project)
    process = machine.start("--agent", "trace", "show", "last", "--follow")
    data = whole()
    for at in range(0, len(data), 400):
        with log.open("ab") as file:
            file.write(data[at : at + 400])
        time.sleep(0.01)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    document = json.loads(out)
    assert document["run"]["status"] == "success"
    assert document["run"]["counts"]["spans"] == 6


def test_on_a_terminal_it_is_drawn_as_it_grows(machine) -> None:
    log = lay_out(machine.project)
    lines = whole().split(b"\n")
    log.write_bytes(b"\n".join(lines[:6]) + b"\n")
    leader, follower = pty.openpty()
    env = {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    process = machine.start("trace", "show", "--follow", stdout=follower, stderr=follower, env=env)
    os.close(follower)
    seen = b""
    while b"round 1" not in seen:
        seen += os.read(leader, 65536)
    with log.open("ab") as file:
        file.write(b"\n".join(lines[6:]))
    try:
        while part := os.read(leader, 65536):
            seen += part
    except OSError:  # how Linux says that the other side has gone
        pass
    os.close(leader)
    assert process.wait(30) == 0
    assert "retried 2x" in seen.decode()


def test_a_run_that_is_not_here_is_named(machine) -> None:
    done = machine.one("--agent", "trace", "show", "nope", "--follow")
    assert (done.code, done.document["error"]["code"]) == (3, "no-such-run")
