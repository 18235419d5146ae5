"""`trace open`: which page it writes, and where."""

from __future__ import annotations

from pathlib import Path

from flow_runs import fill
from made import assembly

from one_trace.store import Store


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


def test_flows_with_similar_keys_have_a_page_each(machine) -> None:
    keys = ["a/b", "a b", "a-b", "..", "\u65e5\u672c", "\u65e5", "../../x"]
    with Store(machine.data / "traces.db") as store:
        for number, key in enumerate(keys):
            store.save(assembly(f"{number:012x}", flow_key=key))
    pages = [Path(machine.one("--agent", "trace", "open", key).document["path"]) for key in keys]
    assert len(set(pages)) == len(keys)
    assert len({page.parent for page in pages}) == 1
    assert all(page.is_file() for page in pages)
