"""`trace explain`, a verb that no help lists: why the log of a run was read as it was."""

from __future__ import annotations

import shutil


def test_explain_reads_what_the_run_has_left(machine) -> None:
    machine.player("12-parallel-containers")
    assert machine.one("--agent", "flow", "execute", "k", "--trace").code == 0
    found = machine.one("--agent", "trace", "explain", "last", "--all")
    assert (found.code, found.document["schema"]) == (0, "one-trace-explanation/1")
    assert found.document["total"] > len(found.document["lines"]) > 10
    assert len(found.out) <= 8000
    shown = machine.one("trace", "explain", "last")
    assert b"lines could be read in more than one way." in shown.out
    assert b"explain" not in machine.one("trace", "--help").out
    shutil.rmtree(machine.project / ".one" / "flows" / ".logs")
    gone = machine.one("trace", "explain", "last")
    assert gone.code == 1
    assert b"is gone" in gone.err
    assert b"hint: " in gone.err
