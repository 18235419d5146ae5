"""What needs no Node: command lines, order of promises, retries, finding flows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import entries, number, truthy
from one_trace.engine.loop import Clock, Loop, Promise
from one_trace.engine.retry import OnError
from one_trace.engine.schema import steps_in
from one_trace.model.times import to_iso
from one_trace.record.flow_files import resolve
from one_trace.runner.command_line import UsageError, parse
from one_trace.runner.did_you_mean import did_you_mean
from one_trace.runner.loading import FlowUnreadable, load, node_message
from one_trace.runner.run_log import find_state, to_json
from tests.truth import VirtualClock


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flow execute k", {"argument": "k", "agent": False, "values": {}}),
        ("--agent f x k", {"argument": "k", "agent": True}),
        ("flow x k --agent", {"agent": True}),
        (
            "flow --agent x -i a=1 k --input b=2 --input=c=x=y",
            {"values": {"--input": ["a=1", "b=2", "c=x=y"]}},
        ),
        ("flow x k -ia=1", {"values": {"--input": ["a=1"]}}),
        ("flow x k -vi a=1", {"values": {"--verbose": [""], "--input": ["a=1"]}}),
        ("flow x k -i --agent a=1", {"agent": True, "values": {"--input": ["a=1"]}}),
        ("flow x k -i --mock", {"values": {"--input": ["--mock"]}}),
        ("flow x -- k", {"argument": "k"}),
        ("flow x k -", None),
        ("flow ls", {"command": "list"}),
        ("flow x k --help", {"help": True}),
    ],
)
def test_command_lines_are_parsed_as_by_one_cli(line: str, expected: dict | None) -> None:
    if expected is None:
        with pytest.raises(UsageError, match="too many arguments"):
            parse(line.split(" "))
        return
    parsed = parse(line.split(" "))
    for name, value in expected.items():
        assert getattr(parsed, name) == value


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("flow x k --trace", "error: unknown option '--trace'"),
        ("flow x k --mok", "error: unknown option '--mok'\n(Did you mean --mock?)"),
        ("flow x k --dry-run=1", "error: unknown option '--dry-run=1'\n(Did you mean --dry-run?)"),
        ("flow x k -q", "error: unknown option '-q'"),
        ("flow x", "error: missing required argument 'keyOrPath'"),
        ("flow x a b c", "error: too many arguments for 'execute'. Expected 1 argument but got 3."),
        ("flow x k -- --agent", "error: too many arguments for 'execute'. Expected 1 argument but got 2."),
        ("flow list a", "error: too many arguments for 'list'. Expected 0 arguments but got 1."),
        ("flow x k -i", "error: option '-i, --input <name=value>' argument missing"),
        ("flow x k --stop-after", "error: option '--stop-after <stepId>' argument missing"),
        ("flow resume a --allow-bash", "error: unknown option '--allow-bash'"),
    ],
)
def test_refused_command_lines_have_one_clis_message(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(line.split(" "))
    assert str(caught.value) == message


def test_suggestions_for_mistyped_words() -> None:
    assert did_you_mean("exec", ["execute", "list", "ls", "x"]) == "\n(Did you mean execute?)"
    assert did_you_mean("cat", ["car", "cut", "dog"]) == "\n(Did you mean one of car, cut?)"
    assert did_you_mean("abcdefgh", ["list"]) == ""


class Nothing:
    """No worker."""

    expecting = False

    def wait(self, timeout_ms: float | None) -> bool:
        raise AssertionError("nothing was begun")


class Real(Nothing):
    """No worker, but time passes."""

    def wait(self, timeout_ms: float | None) -> bool:
        return False


def logged(make: Callable[[Loop, list[str]], Promise]) -> list[str]:
    """What the coroutines of `make` have logged, in order."""
    loop, printed = Loop(VirtualClock()), []
    loop.run(make(loop, printed), Nothing())
    return printed


def test_a_call_runs_to_its_first_await_and_continues_a_microtask_later() -> None:
    def make(loop: Loop, printed: list[str]) -> Promise:
        async def leaf(name: str, turns: int) -> None:
            for turn in range(turns):
                printed.append(f"{name}{turn}")
                await loop.go(nothing())

        async def nothing() -> None:
            return None

        async def all_of_it() -> None:
            parts = [loop.go(leaf(name, 2)) for name in "ab"]
            printed.append("begun")
            await loop.every(parts)
            printed.append("done")

        return loop.go(all_of_it())

    assert logged(make) == ["a0", "b0", "begun", "a1", "b1", "done"]


def test_every_rejects_with_the_first_failure() -> None:
    loop, printed = Loop(VirtualClock()), []

    async def part(name: str, ms: int, *, fails: bool) -> None:
        await loop.sleep(ms)
        printed.append(name)
        if fails:
            raise StepFailure(name)

    whole = loop.every([loop.go(part("slow", 30, fails=True)), loop.go(part("quick", 10, fails=True))])
    with pytest.raises(StepFailure, match="quick"):
        loop.run(whole, Nothing())
    while loop.turn(Nothing()):
        pass
    assert printed == ["quick", "slow"]


def test_a_promise_over_its_limit_keeps_running() -> None:
    loop, printed = Loop(VirtualClock(0)), []

    async def slow() -> str:
        await loop.sleep(100)
        printed.append("ended anyway")
        return "late"

    outcome = loop.limited(loop.go(slow()), 40, StepFailure("too late", timeout=True))
    with pytest.raises(StepFailure, match="too late"):
        loop.run(outcome, Nothing())
    assert (loop.clock.now_ms(), printed) == (40, [])
    while loop.turn(Nothing()):
        pass
    assert (loop.clock.now_ms(), printed) == (100, ["ended anyway"])


def test_a_promise_within_its_limit_leaves_no_timer() -> None:
    loop = Loop(VirtualClock(0))

    async def quick() -> str:
        await loop.sleep(10)
        return "in time"

    assert loop.run(loop.limited(loop.go(quick()), 500, StepFailure("late")), Nothing()) == "in time"
    assert not loop.turn(Nothing())
    assert loop.clock.now_ms() == 10


def test_a_real_clock_waits_in_real_time() -> None:
    loop = Loop(Clock())
    before = loop.clock.ticks_ms()
    loop.run(loop.sleep(15), Real())
    assert loop.clock.ticks_ms() - before >= 15


@pytest.mark.parametrize("delay", [0, -5, float("nan"), 2**31])
def test_an_invalid_delay_is_one_millisecond(delay: float) -> None:
    loop = Loop(VirtualClock(0))
    loop.run(loop.sleep(delay), Nothing())
    assert loop.clock.now_ms() == 1


def retry(**config: object) -> OnError:
    return OnError({"onError": {"strategy": "retry", "retries": 3, **config}}, None)


def test_backoff_is_bounded() -> None:
    growing = retry(retryDelayMs=100, backoff="exponential", maxDelayMs=350)
    assert [growing.delay_ms(attempt) for attempt in (2, 3, 4, 5)] == [100, 200, 350, 350]
    assert retry().delay_ms(4) == 1000
    assert retry(retryDelayMs=60_000).delay_ms(2) == 60_000
    jitter = retry(retryDelayMs=100, backoff="exponential-jitter")
    assert all(50 <= jitter.delay_ms(2) <= 100 for _ in range(50))


@pytest.mark.parametrize(
    ("config", "message", "code", "reason"),
    [
        ({"retryOn": [429]}, "HTTP 429 Too Many", None, None),
        ({"retryOn": [429]}, "id 14290", None, "no-retryOn-match"),
        ({"retryOn": ["TIMEOUT"]}, "too long", "TIMEOUT", None),
        ({"retryOn": ["econnreset"]}, "read ECONNRESET", None, None),
        ({"retryOn": [429], "failFastOn": ["quota"]}, "429 quota", None, "failFastOn"),
        ({"retryOn": []}, "x", None, "no-retryOn-match"),
        ({}, "x", None, None),
    ],
)
def test_which_failures_are_retried(config: dict, message: str, code: str | None, reason: str | None) -> None:
    assert retry(**config).no_retry_reason(StepFailure(message, code=code)) == reason


def test_the_steps_on_error_overrides_the_flows() -> None:
    assert OnError({"onError": {"strategy": "fail"}}, {"strategy": "continue"}).carries_on is False
    assert OnError({}, {"strategy": "continue"}).carries_on is True
    assert OnError({"onError": {"strategy": "fallback"}}, None).carries_on is False
    assert OnError({"onError": {"strategy": "retry"}}, None).attempts == 1


def test_json_is_written_as_javascript_writes_it() -> None:
    text = to_json({"a": "ü\u2028\ud800\x7f\x01", "b": [1, None, True]})
    assert text == '{"a":"ü\u2028\\ud800\x7f\\u0001","b":[1,null,true]}'
    assert to_iso(1_795_361_247_005) == "2026-11-22T15:27:27.005Z"


def test_javascript_semantics() -> None:
    assert [key for key, _ in entries({"b": 1, "10": 2, "2": 3, "01": 4, "a": 5})] == [
        "2",
        "10",
        "b",
        "01",
        "a",
    ]
    assert [truthy(value) for value in (0, "", None, False, [], {}, "0", float("nan"))] == [False] * 4 + [
        True,
        True,
        True,
        False,
    ]
    assert number("12") == 12
    assert number(None) == 0
    assert number("x") != number("x")


def test_where_flows_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flows = tmp_path / ".one" / "flows"
    for name in (
        "both/flow.json",
        "both.flow.json",
        "old.flow.json",
        "group/inner/flow.json",
        ".hid/x/flow.json",
    ):
        (flows / name).parent.mkdir(parents=True, exist_ok=True)
        (flows / name).write_text('{"key": "x"}')
    assert resolve("both") == str(flows / "both/flow.json")
    assert resolve("old") == str(flows / "old.flow.json")
    assert resolve("inner") == str(flows / "group/inner/flow.json")
    assert resolve("group/inner") == str(flows / "group/inner/flow.json")
    assert resolve("x") == str(flows / "x/flow.json")
    assert resolve(".one/flows/old.flow.json") == str(flows / "old.flow.json")
    assert load("old", str).root == str(flows)
    with pytest.raises(FlowUnreadable, match=r"Flow not found: .*none/flow\.json"):
        load("none", str)


@pytest.mark.parametrize("text", ["{", "", "{'a': 1}", '{"a": NaN}', "\ufeff{}", "[" * 200_000])
def test_invalid_json_has_javascripts_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FlowUnreadable, match="as JavaScript says"):
        load(str(file), lambda _text: "as JavaScript says")


def test_a_folder_is_not_a_flow(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    with pytest.raises(FlowUnreadable, match="EISDIR: illegal operation on a directory, read"):
        load(str(tmp_path / "x.json"), str)
    assert node_message(FileNotFoundError(2, "No such file or directory"), "open", "/x") == (
        "ENOENT: no such file or directory, open '/x'"
    )


def test_deeply_nested_steps_are_found() -> None:
    deep = {"id": "0", "loop": {"steps": []}}
    here = deep
    for i in range(1, 3000):
        inner = {"id": str(i), "loop": {"steps": []}}
        here["loop"]["steps"].append(inner)
        here = inner
    steps = [deep, None, 5, {"id": "last", "condition": {"then": "no list", "else": [{"id": "e"}]}}]
    assert [step["id"] for step, _ in steps_in(steps)] == [*map(str, range(3000)), "last", "e"]


def test_an_exact_run_id_wins_over_a_partial_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = tmp_path / ".one" / "flows" / ".runs"
    runs.mkdir(parents=True)
    for key, run in (("a-b1", "0b12"), ("z", "b1")):
        state = {"runId": run, "flowKey": key, "status": "failed", "completedSteps": []}
        (runs / f"{key}-{run}.state.json").write_text(json.dumps(state))
    found = find_state("b1")
    assert found is not None
    assert found.flow_key == "z"
    assert find_state("0b1").run_id == "0b12"
    (runs / "torn-77.state.json").write_text('{"runId": "77", "sta')
    assert find_state("77") is None
    assert find_state("none") is None
