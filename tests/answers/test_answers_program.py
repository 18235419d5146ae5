"""The answers of the built program: their size, their pages, and the commands that they name."""

from __future__ import annotations

import shlex

import pytest
from made import assembly, span

from one_trace.answers.bounds import LIMIT
from one_trace.store import Store

ASKED = [
    ["show"],
    ["show", "--failed"],
    ["show", "--events"],
    ["show", "--slow", "50"],
    ["stats"],
    ["stats", "my-flow"],
    ["diff", "my-flow@prev", "my-flow@last"],
    ["insights"],
    ["insights", "my-flow"],
    ["cost"],
    ["list"],
    ["doctor", "--offline"],
]


@pytest.mark.parametrize("count", [1, 300, 20_000])
def test_answers_about_runs_of_any_size_fit(machine, store_of, count) -> None:
    store_of(count)
    for argv in ASKED:
        done = machine.one("--agent", "trace", *argv)
        assert len(done.out.decode()) <= LIMIT, argv
        assert "schema" in done.document, argv


def test_answers_about_a_long_history_fit(machine, long_history) -> None:
    for argv in (
        ["list"],
        ["list", "--status", "success"],
        ["stats"],
        ["insights"],
        ["cost"],
        ["doctor", "--offline"],
    ):
        done = machine.one("--agent", "trace", *argv)
        assert len(done.out.decode()) <= LIMIT, argv
        assert "schema" in done.document, argv
    listed = machine.one("--agent", "trace", "list").document
    assert listed["total"] == long_history
    assert listed["omitted"]["rows"]["runs"] == long_history - len(listed["runs"])


def _save(machine, first: int, count: int, **fields: object) -> None:
    with Store(machine.data / "traces.db") as store:
        for number in range(first, first + count):
            store.save(assembly(f"{number:012x}", start=1_775_469_720_000 + number // 3, **fields))


def test_pages_of_the_list_have_each_run_once_while_new_ones_come(machine) -> None:
    _save(machine, 0, 100)
    seen: list[str] = []
    cursor: list[str] = []
    for page in range(100):
        listed = machine.one("--agent", "trace", "list", "--limit", "17", *cursor).document
        seen += [run["runId"] for run in listed["runs"]]
        if "omitted" not in listed:
            break
        _save(machine, 1000 + page, 1)
        cursor = ["--cursor", listed["omitted"]["cursor"]]
    assert seen == [f"{number:012x}" for number in reversed(range(100))]


def test_a_row_of_the_list_says_what_failed(machine) -> None:
    machine.player("97b-realistic-fails", exit=1)
    machine.one("--agent", "flow", "execute", "k", "--trace")
    listed = machine.one("--agent", "trace", "list", "--status", "error").document
    assert listed["schema"] == "one-trace-list/1"
    assert listed["filter"] == {"status": "error"}
    (row,) = listed["runs"]
    assert row["failed"] >= 1
    assert set(row["cause"]) == {"path", "class"}
    for command in listed["next"]:
        assert machine.one(*shlex.split(command)[1:]).code == 0


@pytest.mark.parametrize("argv", [["stats"], ["stats", "big"], ["diff", "big@prev", "big@last"]])
def test_what_a_long_answer_leaves_out_is_one_flag_or_some_pages_away(machine, argv) -> None:
    with Store(machine.data / "traces.db") as store:
        for number in range(60):
            spans = [span(f"step-{at}", flow="big") for at in range(120)]
            store.save(assembly(f"{number:012x}", spans, flow_key="big"))
    first = machine.one("--agent", "trace", *argv).document
    assert first["omitted"]["how"].endswith(" --full")
    whole = machine.one(*shlex.split(first["omitted"]["how"])[1:]).document
    assert "omitted" not in whole
    assert len(_paths(whole)) == 120
    paths, page = _paths(first), first
    while "omitted" in page:
        page = machine.one("--agent", "trace", *argv, "--cursor", page["omitted"]["cursor"]).document
        assert not paths & _paths(page)
        paths |= _paths(page)
    assert paths == _paths(whole)


def _paths(document: dict) -> set[str]:
    steps = document["steps"] if "steps" in document else document["flows"][0]["steps"]
    return {step["path"] for step in steps}


def test_a_whole_answer_takes_a_limit_fields_and_a_cursor_too(machine) -> None:
    _save(machine, 0, 5)
    asked = ["--agent", "trace", "list", "--full", "--limit", "2", "--fields", "traceId"]
    page = machine.one(*asked).document
    assert [set(run) for run in page["runs"]] == [{"traceId"}, {"traceId"}]
    again = machine.one(*shlex.split(page["omitted"]["how"])[1:]).document
    assert [run["traceId"] for run in again["runs"]] == [f"{number:032x}" for number in (2, 1)]


@pytest.mark.parametrize("verb", ["show", "stats", "diff", "insights", "cost", "list", "doctor"])
def test_every_bounded_answer_has_the_four_options(machine, verb) -> None:
    text = machine.one("trace", verb, "--help").out
    for option in (b"--full", b"--limit", b"--cursor", b"--fields"):
        assert option in text, option


def test_a_wrong_cursor_and_a_field_for_people_are_wrong_usage(machine) -> None:
    _save(machine, 0, 1)
    for argv in (["list"], ["show"], ["stats"]):
        for cursor in ("nonsense", "e30", "eyJ4IjpbMSwiYSJdfQ"):
            done = machine.one("--agent", "trace", *argv, "--cursor", cursor)
            assert (done.code, done.document["error"]["code"]) == (2, "wrong-usage"), (argv, cursor)
    assert machine.one("trace", "list", "--fields", "total").code == 2


def test_an_answer_that_does_not_fit_still_names_its_flows_and_steps(machine) -> None:
    with Store(machine.data / "traces.db") as store:
        for flow in range(8):
            spans = [span(f"step-{at}", flow=f"flow-{flow}") for at in range(40)]
            store.save(assembly(f"{flow:012x}", spans, flow_key=f"flow-{flow}"))
    overview, one = (machine.one("--agent", "trace", "stats", *flow).document for flow in ([], ["flow-3"]))
    assert len(overview["flows"]) == 8
    assert len(one["flows"][0]["steps"]) >= 5
    assert one["omitted"]["rows"] == {"flows[0].steps": 40 - len(one["flows"][0]["steps"])}
