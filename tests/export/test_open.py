"""`trace open`: which page it writes, and where."""

from __future__ import annotations

from pathlib import Path

from flow_runs import fill


def test_open_takes_a_run_or_a_flow(machine) -> None:
    fill(machine.data / "traces.db", 12)
    machine.env["XDG_CACHE_HOME"] = str(machine.root / "cache")
    run = machine.one("--agent", "trace", "open", "00000000000c").document
    assert (run["runId"], Path(run["path"]).stat().st_mode & 0o777) == ("00000000000c", 0o600)
    flow = machine.one("--agent", "trace", "open", "my-flow").document
    assert flow["flowKey"] == "my-flow"
    assert b'"insights":' in Path(flow["path"]).read_bytes()
    done = machine.one("--agent", "trace", "open", "no-flow")
    assert (done.code, done.document["error"]["code"]) == (3, "no-such-run")
