"""Figures and findings on the built program: what was once answered wrongly, and its kind."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from machine import Machine
from made import START_MS, assembly, span

from one_trace.model.trace import Assembly, Usage
from one_trace.store import Store

HOUR = 3_600_000
SUB = {"key": "sub", "name": "S", "version": "1", "inputs": {}}
MAIN = {"key": "main", "name": "M", "version": "1", "inputs": {}}


def transform(step_id: str) -> dict:
    return {"id": step_id, "name": step_id, "type": "transform", "transform": {"expression": "1"}}


def call(step_id: str, key: str) -> dict:
    return {"id": step_id, "name": step_id, "type": "flow", "flow": {"key": key, "inputs": {}}}


def flow(machine: Machine, about: dict, *steps: dict, project: Path | None = None) -> Path:
    path = (project or machine.project) / ".one/flows" / about["key"] / "flow.json"
    return machine.write(path, json.dumps({**about, "steps": list(steps)}))


def execute(machine: Machine, key: str, *more: str, **options: object) -> dict:
    done = machine.one("--agent", "flow", "execute", key, "--allow-bash", *more, **options)
    if b"no-node" in done.out + done.err:
        pytest.skip("needs Node")
    return json.loads(done.out.strip().split(b"\n")[-1])


def fill(machine: Machine, *runs: Assembly) -> None:
    with Store(machine.data / "traces.db") as store:
        for run in runs:
            store.save(run)


def made(number: int, *spans, flow_key: str = "my-flow", status: str = "success", **fields) -> Assembly:
    """A run that began `number` hours after the first."""
    end = max([one.start_ms + (one.duration_ms or 0.0) for one in spans], default=0.0)
    fields = {"duration_ms": end, "start": START_MS + number * HOUR, **fields}
    built = assembly(f"{number:011x}a", list(spans), flow_key=flow_key, status=status, **fields)
    built.static_paths = [f"{flow_key} > {one.step_id}" for one in spans]
    return built


def rules(machine: Machine, key: str = "my-flow", **options: object) -> dict[str, dict]:
    found = machine.one("--agent", "trace", "insights", key, **options).document["findings"]
    return {f"{one['rule']} {one['path'].rpartition(' > ')[2]}": one for one in found}


def test_steps_of_shared_and_nested_sub_flows_are_planned_where_they_run(machine: Machine) -> None:
    flow(machine, {**SUB, "key": "deep"}, transform("bottom"))
    flow(machine, SUB, transform("leaf"), call("down", "deep"))
    flow(machine, MAIN, call("first", "sub"), call("second", "sub"), transform("last"))
    for _ in range(11):
        assert execute(machine, "main", "--trace")["status"] == "success"
    (stats,) = machine.one("--agent", "trace", "stats", "main").document["flows"]
    assert [step["path"].removeprefix("main > ") for step in stats["steps"]] == [
        *("first", "first > leaf", "first > down", "first > down > bottom"),
        *("second", "second > leaf", "second > down", "second > down > bottom"),
        "last",
    ]
    assert {step["count"] for step in stats["steps"]} == {11}
    assert not any(rule.startswith("dead-step") for rule in rules(machine, "main"))


def test_what_is_behind_a_failure_is_not_dead(machine: Machine) -> None:
    bad = {"id": "bad", "name": "B", "type": "code", "code": {"source": "throw new Error('no')"}}
    flow(machine, MAIN, bad, transform("z"))
    for _ in range(11):
        assert execute(machine, "main", "--trace")["status"] == "failed"
    found = rules(machine, "main")
    assert "failing bad" in found
    assert "dead-step z" not in found
    (stats,) = machine.one("--agent", "trace", "stats", "main").document["flows"]
    assert [step["flags"] for step in stats["steps"]] == [["failing"], ["not-reached"]]


def test_a_filter_hides_and_changes_no_figure(machine: Machine) -> None:
    outer = span("outer", type="loop", duration_ms=30.0)
    inner = [
        span("inner", outer, iteration=i, start_ms=10.0 * i, duration_ms=9.0, status=status)
        for i, status in enumerate(("success", "success", "error"))
    ]
    fill(machine, made(0, outer, *inner))
    argv = ("--agent", "trace", "show", "--slow", "9")
    whole = machine.one(*argv).document
    own = {one["spanId"]: one["selfMs"] for one in whole["slowest"]}
    assert "filter" not in whole
    for more in (("--failed",), ("--step", "outer"), ("--depth", "1")):
        reported = machine.one(*argv, *more).document
        assert {one["spanId"]: one["selfMs"] for one in reported["slowest"]}.items() <= own.items()
        assert reported["filter"]
    shown = machine.one("--agent", "trace", "show", "--failed").document
    assert shown["filter"] == {"failed": True}
    assert shown["run"]["counts"]["spans"] == 4


def test_a_share_is_of_the_wall_time_and_the_same_everywhere(machine: Machine) -> None:
    both = span("both", type="parallel", duration_ms=500.0)
    work = [span("work", both, duration_ms=500.0) for _ in range(2)]
    rest = span("rest", start_ms=500.0, duration_ms=500.0)
    fill(machine, *(made(number, both, *work, rest) for number in range(8)))
    (stats,) = machine.one("--agent", "trace", "stats", "my-flow").document["flows"]
    shares = {step["stepId"]: step["share"] for step in stats["steps"] if step["count"]}
    assert shares == {"both": 0.5, "work": 0.5, "rest": 0.5}
    assert rules(machine)["slow work"]["evidence"]["share"] == 0.5
    waited = machine.one("--agent", "trace", "show", "--slow", "5").document["criticalPath"]
    assert sum(place["share"] for place in waited) == 1


def test_from_nothing_to_something_is_a_change(machine: Machine) -> None:
    fill(
        machine,
        *(made(n, span("s", duration_ms=60.0 if n >= 35 else 0.0), duration_ms=100.0) for n in range(70)),
    )
    assert b"+60ms" in machine.one("trace", "stats", "my-flow", env={"COLUMNS": "200"}).out
    assert rules(machine)["slower s"]["evidence"]["deltaMs"] == 60
    first, last = f"{0:011x}a", f"{69:011x}a"
    done = machine.one("--agent", "trace", "diff", first, last, "--fail-on", "slower:20%")
    (step,) = done.document["steps"]
    assert (step["changes"], step["noise"], done.code) == (["slower"], [], 1)


def other(machine: Machine) -> Path:
    folder = machine.root / "other"
    (folder / ".one/flows").mkdir(parents=True)
    (machine.project / ".one/flows").mkdir(parents=True)
    return folder


def test_flows_of_two_projects_are_two(machine: Machine) -> None:
    folder = other(machine)
    for number in range(20):
        here = number % 2
        cwd, status = (machine.project, "success") if here else (folder, "error")
        step = span("s", duration_ms=100.0 if here else 900.0, status=status)
        fill(machine, made(number, step, cwd=str(cwd), status=status))
    flows = machine.one("--agent", "trace", "stats").document["flows"]
    assert {flow["project"]: (flow["runs"], flow["p50Ms"]) for flow in flows} == {
        str(machine.project): (10, 100),
        str(folder): (10, 900),
    }
    (own,) = machine.one("--agent", "trace", "stats", "--here").document["flows"]
    assert own["project"] == str(machine.project)
    assert "failing s" not in rules(machine)
    assert "failing s" in rules(machine, cwd=folder)
    assert machine.one("--agent", "trace", "list", "--here").document["total"] == 10
    assert b"PROJECT" in machine.one("trace", "list").out
    assert b"PROJECT" not in machine.one("trace", "list", "--here").out
    assert b"PROJECT" in machine.one("trace", "stats").out


def test_costs_of_two_projects_are_two(machine: Machine) -> None:
    folder = other(machine)
    for number, (cwd, usd) in enumerate([(machine.project, 0.25), (folder, 0.5)]):
        fill(machine, made(number, span("ask", usage=Usage(cost_usd=usd)), cwd=str(cwd)))
    document = machine.one("--agent", "trace", "cost", "my-flow").document
    expected = {str(folder): 0.5, str(machine.project): 0.25}
    assert {spent["project"]: spent["costUsd"] for spent in document["flows"]} == expected
    assert {spent["project"]: spent["costUsd"] for spent in document["steps"]} == expected
    own = machine.one("--agent", "trace", "cost", "--here").document
    assert (own["project"], own["total"]["costUsd"]) == (str(machine.project), 0.25)
    assert b"PROJECT" in machine.one("trace", "cost").out
    assert b"PROJECT" not in machine.one("trace", "cost", "--here").out


def test_last_is_of_this_project_and_what_the_user_started(machine: Machine) -> None:
    folder = other(machine)
    outer = made(0, span("s", duration_ms=9000.0), cwd=str(machine.project), status="error")
    outer.trace.run.ended_at = "2026-04-07T12:00:09.000Z"
    inner = made(1, span("s"), cwd=str(machine.project), parent_run_id=outer.trace.run.run_id)
    inner.trace.run.ended_at = "2026-04-07T12:00:10.000Z"
    fill(machine, outer, inner, made(99, span("s"), cwd=str(folder)))
    shown = machine.one("--agent", "trace", "show").document["run"]
    assert shown["runId"] == outer.trace.run.run_id
    assert (
        machine.one("--agent", "trace", "show", "last", cwd=folder).document["run"]["runId"] == f"{99:011x}a"
    )
    outside = machine.one("--agent", "trace", "show", "last", cwd=machine.root).document["run"]
    assert outside["runId"] == f"{99:011x}a"


@pytest.mark.parametrize(
    ("zone", "shown"), [("America/New_York", "06:02 -04:00"), ("Asia/Tokyo", "19:02 +09:00")]
)
def test_times_say_their_zone(machine: Machine, zone: str, shown: str) -> None:
    if not Path("/usr/share/zoneinfo", zone).exists():
        pytest.skip("no time zones here")
    spent = Usage(cost_usd=1.0, models=["m"])
    fill(machine, made(0, span("s", usage=spent)), made(14, span("s", usage=spent)))
    env = {"TZ": zone}
    assert shown in machine.one("trace", "list", env=env).out.decode()
    assert shown.split()[1] in machine.one("trace", "show", env=env).out.decode()
    assert machine.one("--agent", "trace", "show", env=env).document["run"]["startedAt"].endswith("Z")
    cost = machine.one("--agent", "trace", "cost", env=env).document
    assert cost["timeZone"] in ("-0400", "-0500", "+0900")
    days = {day["key"] for day in cost["days"]}
    assert days == ({"2026-04-06"} if "York" in zone else {"2026-04-06", "2026-04-07"})


def test_no_digit_is_lost_and_none_is_made_up(machine: Machine) -> None:
    step = span("s", duration_ms=100_000_001.0, output_bytes=16_777_217)
    fill(machine, made(0, step, span("t", start_ms=100_000_001.0, duration_ms=0.1 + 0.2)))
    (stats,) = machine.one("--agent", "trace", "stats", "my-flow").document["flows"]
    one, two = (step for step in stats["steps"] if step["count"])
    assert (one["p50Ms"], one["outputBytes"], two["p50Ms"]) == (100_000_001, 16_777_217, 0.3)


def test_an_import_keeps_what_a_run_was_made_of(machine: Machine) -> None:
    path = flow(machine, MAIN, transform("a"))
    execute(machine, "main", "--trace")
    execute(machine, "main", "--no-trace")
    flow(machine, MAIN, transform("a"), transform("b"))
    execute(machine, "main", "--trace")

    def versions() -> list[str | None]:
        with Store(machine.data / "traces.db", readonly=True) as store:
            sql = (
                "SELECT version FROM runs LEFT JOIN flow_versions ON flow_versions.id = flow_version"
                " ORDER BY started_ms"
            )
            return [version for (version,) in store.connection.execute(sql)]

    first, second = versions()
    report = machine.one("--agent", "trace", "import").document
    assert (report["imported"], report["unchanged"], report["changedFlows"]) == (1, 2, ["main"])
    assert versions() == [first, None, second]
    os.utime(path)
    assert machine.one("--agent", "trace", "import").document["updated"] == 0
    assert versions() == [first, None, second]


def test_broken_since_comes_before_a_rate_and_too_few_say_nothing(machine: Machine) -> None:
    def runs(key: str, outcomes: str, base: int) -> list[Assembly]:
        return [
            made(base + n, span("s", flow=key, status=status), flow_key=key, status=status)
            for n, status in enumerate("error" if one == "x" else "success" for one in outcomes)
        ]

    fill(
        machine,
        *runs("broken", "." * 44 + "x" * 6, 0),
        *runs("few", ".x.", 100),
        *runs("fixed", "...xxxxx" + "." * 15, 200),
    )
    found = rules(machine, "broken")
    assert found["failing s"]["rank"] == 1
    assert found["failing s"]["evidence"]["since"] == "2026-04-08T06:02:00.000Z"
    assert "flaky s" not in found
    assert not {"failing s", "flaky s"} & rules(machine, "few").keys()
    assert not {"failing s", "flaky s"} & rules(machine, "fixed").keys()


def test_retries_that_never_help_are_not_advised_and_slow_nothing_down(machine: Machine) -> None:
    for n in range(40):
        bad = n % 4 == 3 if n > 20 else n % 7 == 3
        step = span(
            "s",
            status="error" if bad else "success",
            retries=2 * bad,
            attempts=1 + 2 * bad,
            duration_ms=3000.0 if bad else 100.0,
        )
        fill(machine, made(n, step, status="error" if bad else "success"))
    found = rules(machine)
    assert found["useless-retries s"]["evidence"]["helped"] == 0
    assert found["flaky s"]["action"] is None
    assert "slower s" not in found
    assert "retried s" not in found


def test_insights_without_a_flow_say_which_need_attention(machine: Machine) -> None:
    for n in range(12):
        fill(machine, made(n, span("s", flow="good"), flow_key="good"))
        fill(machine, made(50 + n, span("s", flow="bad", status="error"), flow_key="bad", status="error"))
    reported = machine.one("--agent", "trace", "insights").document
    assert [(one["flowKey"], one["first"]["rule"]) for one in reported["flows"]] == [("bad", "failing")]
    assert reported["quiet"] == 1
    page = machine.one("trace", "insights").out.decode()
    assert page.startswith("bad\n   failing: s has failed every time")


def test_stats_by_version_and_model_say_what_is_too_few(machine: Machine) -> None:
    for n in range(14):
        run = made(
            n, span("s", usage=Usage(cost_usd=0.5, models=["m"])), usage=Usage(cost_usd=0.5, models=["m"])
        )
        run.flow_version = "v1" if n < 12 else "v2"
        fill(machine, run)
    groups = machine.one("--agent", "trace", "stats", "--by", "version").document["groups"]
    assert [(one["value"], one["runs"], one["tooFew"]) for one in groups] == [
        ("v1", 12, False),
        ("v2", 2, True),
    ]
    (model,) = machine.one("--agent", "trace", "stats", "--by", "model").document["groups"]
    assert (model["value"], model["successRate"], model["costUsdPerRun"]) == ("m", 1, 0.5)
    assert b"too few" in machine.one("trace", "stats", "--by", "version").out


AGENT = """#!/bin/sh
case "$1" in
  stream) printf '%s\\n' '{"type":"system"}' '{"type":"assistant"}' "$ENVELOPE" ;;
  warn) echo "Warning: no input"; printf '%s\\n' "$ENVELOPE" ;;
  fail) printf '%s\\n' "$ENVELOPE"; exit 3 ;;
  *) printf '%s\\n' "$ENVELOPE" ;;
esac
"""
ENVELOPE = {
    "type": "result",
    "result": "words",
    "session_id": "s-1",
    "total_cost_usd": 0.03,
    "usage": {"input_tokens": 10, "output_tokens": 5},
    "modelUsage": {
        "big": {"inputTokens": 10, "outputTokens": 5, "costUSD": 0.02},
        "small": {"inputTokens": 100, "outputTokens": 50, "costUSD": 0.01},
    },
}


def ask(step_id: str, command: str, **more: object) -> dict:
    return {"id": step_id, "name": step_id, "type": "bash", "bash": {"command": command}, **more}


def test_calls_are_counted_where_the_record_shows_them_and_named_where_not(machine: Machine) -> None:
    machine.script(machine.bin / "claude", AGENT)
    handed_on = {"source": "return JSON.parse($.steps.plain.output);"}
    flow(
        machine,
        MAIN,
        ask("plain", "claude json"),
        ask("stream", "claude stream"),
        ask("warned", "claude warn"),
        ask("twice", "claude json; claude json"),
        {"id": "same", "name": "same", "type": "code", "code": handed_on},
        ask("piped", "claude json | cut -c1-3"),
        ask("failed", "claude fail", onError={"strategy": "continue"}),
    )
    env = {"ENVELOPE": json.dumps(ENVELOPE), "PATH": f"{machine.env['PATH']}:/usr/bin:/bin"}
    assert execute(machine, "main", "--trace", env=env)["status"] == "success"
    reported = machine.one("--agent", "trace", "cost").document
    # Five of them: one each, and two in `twice`, which is one execution.
    total = reported["total"]
    assert (total["costUsd"], total["inputTokens"], total["calls"]) == (0.15, 550, 4)
    models = {one["key"]: (one["inputTokens"], one["costUsd"]) for one in reported["models"]}
    assert models == {"big": (50, 0.1), "small": (500, 0.05)}
    missing = {one["path"].rpartition(" > ")[2]: one["why"] for one in reported["uncounted"]}
    assert missing.keys() == {"piped", "failed"}
    assert "another command" in missing["piped"]
    assert "failed" in missing["failed"]
    assert b"Not counted: 1 call of main > piped (claude)" in machine.one("trace", "cost").out


def test_a_copy_of_a_run_replaces_neither_the_run_nor_its_project(machine: Machine) -> None:
    flow(machine, MAIN, transform("a"), transform("b"))
    execute(machine, "main", "--trace")
    copy = machine.root / "copy"
    shutil.copytree(machine.project, copy)
    (state,) = (copy / ".one/flows/.runs").iterdir()
    older = json.loads(state.read_text())
    state.write_text(json.dumps({**older, "status": "running"}))
    (log,) = (copy / ".one/flows/.logs").iterdir()
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:3]))
    report = machine.one("--agent", "trace", "import", str(copy)).document
    assert (report["imported"], report["updated"], report["unchanged"]) == (0, 0, 1)
    (run,) = machine.runs()
    assert (run["cwd"], run["status"], run["counts"]["spans"]) == (str(machine.project), "success", 2)

    state.write_text(json.dumps({**older, "startedAt": "2020-01-01T00:00:00.000Z"}))
    report = machine.one("--agent", "trace", "import", str(copy)).document
    assert report["imported"] == 1
    assert "another run has the id" in report["notes"][0]
    assert [each["cwd"] for each in machine.runs()] == [str(machine.project), str(copy)]
    assert machine.runs()[0] == run


def test_edits_are_patches_of_the_flow_file_that_pass_validation(machine: Machine) -> None:
    path = flow(
        machine,
        MAIN,
        {"id": "list", "name": "l", "type": "transform", "transform": {"expression": "[1, 2, 3, 4, 5, 6]"}},
        {
            "id": "each",
            "name": "e",
            "type": "loop",
            "loop": {"over": "$.steps.list.output", "as": "it", "steps": [ask("nap", "/bin/sleep 0.05")]},
        },
    )
    for _ in range(3):
        assert execute(machine, "main", "--trace")["status"] == "success"
    reported = machine.one("--agent", "trace", "insights", "main", "--patch").document
    (one,) = reported["files"]
    assert one["file"] == str(path)
    assert one["patch"] == [{"op": "add", "path": "/steps/1/loop/maxConcurrency", "value": 5}]
    page = machine.one("trace", "insights", "main", "--patch").out.decode()
    assert json.loads(page.split("\n", 1)[1]) == one["patch"]
    assert machine.one("--agent", "trace", "insights", "--patch").code == 2


def test_a_gate_that_holds_says_so_and_two_flows_are_no_history_of_one(machine: Machine) -> None:
    fill(machine, made(1, span("s", duration_ms=10.0)), made(2, span("t"), flow_key="other"))
    done = machine.one("trace", "diff", "my-flow@last", "other@last", "--fail-on", "cost:10%")
    assert (done.code, b"--fail-on cost:10%: passed" in done.out) == (0, True)
    assert b"These are runs of two different flows." in done.out
    assert b"different flows" not in machine.one("trace", "diff", "my-flow@last", "my-flow@last").out


def test_a_flow_in_place_of_a_run_is_a_hint_and_no_run_at_all_is_usage(machine: Machine) -> None:
    fill(machine, made(1, span("s", duration_ms=10.0)))
    error = machine.one("--agent", "trace", "show", "my-flow").document["error"]
    assert (error["code"], error["hint"]) == (
        "no-such-run",
        "'my-flow' is a flow: its last run is my-flow@last.",
    )
    done = machine.one("--agent", "trace", "diff")
    assert (done.code, done.document["error"]["hint"]) == (2, "one trace diff FLOW@prev FLOW@last")


def test_a_suggestion_names_the_flow_and_evidence_has_no_zeros(machine: Machine) -> None:
    failed = (made(n, span("s", status="error", error="no"), status="error") for n in range(12))
    fill(machine, *failed)
    finding = machine.one("--agent", "trace", "insights", "my-flow").document["findings"][0]
    assert "'one trace show my-flow@last --failed'" in finding["suggestion"]
    assert 0 in finding["evidence"].values()
    assert b" 0," not in machine.one("trace", "insights", "my-flow").out
