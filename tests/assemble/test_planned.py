"""What advice has to know of a flow file: what reads what, what waits, what iterations leave behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from one_trace.assemble.flowtree.planned import plan_of
from one_trace.assemble.flowtree.trees import Trees
from one_trace.model.trace import PlannedStep
from one_trace.record.flows import FlowFiles


def plan(project: Path, *steps: dict, **others: list[dict]) -> dict[str, PlannedStep]:
    for key, inside in {"main": list(steps), **others}.items():
        path = project / ".one/flows" / key / "flow.json"
        path.parent.mkdir(parents=True)
        about = {"key": key, "name": key, "version": "1", "inputs": {}, "steps": inside}
        path.write_text(json.dumps(about))
    files = FlowFiles(project)
    trees = Trees(files, [])
    found = plan_of(trees, trees.root("main", files.named("main")))
    return {step.path.removeprefix("main > "): step for step in found}


def step(step_id: str, kind: str = "bash", **config: object) -> dict:
    about = {"id": step_id, "name": step_id, "type": kind}
    more = {key: config.pop(key) for key in ("if", "timeoutMs", "onError") if key in config}
    return {**about, **more, {"file-write": "fileWrite"}.get(kind, kind): config}


def loop(*body: dict, **more: object) -> dict:
    return step("each", "loop", over="$.input.all", **{"as": "it"}, steps=list(body), **more)


def test_sub_flows_stand_under_each_step_that_calls_them_and_circles_end(tmp_path: Path) -> None:
    found = plan(
        tmp_path,
        step("a", "flow", key="sub"),
        step("b", "flow", key="sub"),
        step("c", "flow", key="$.input.which"),
        sub=[step("leaf"), step("back", "flow", key="main")],
    )
    assert list(found) == ["a", "a > leaf", "a > back", "b", "b > leaf", "b > back", "c"]
    assert found["a > leaf"].flow_key == "sub"


def test_branches_time_outs_and_retries_are_known(tmp_path: Path) -> None:
    found = plan(
        tmp_path,
        step(
            "which",
            "condition",
            expression="true",
            then=[step("yes", timeoutMs=500)],
            **{"else": [step("no")]},
        ),
        step("again", onError={"strategy": "retry", "retries": 3}, command="true"),
    )
    assert list(found) == ["which", "which > yes", "which > no", "again"]
    assert (found["which > yes"].branch, found["which > yes"].timeout_ms) == ("then", 500)
    assert (found["again"].strategy, found["again"].retries) == ("retry", 3)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ('echo {{$.steps.one.output}} {{$.steps["two"].output}}', ["one", "two"]),
        ("echo ${HOME} $1", []),
        ("$.input.x", []),
        ("Object.keys($.steps)", ["*"]),
        ("send($)", ["*"]),
    ],
)
def test_what_a_step_reads(tmp_path: Path, text: str, reads: list[str]) -> None:
    assert plan(tmp_path, step("s", command=text))["s"].reads == reads


def test_a_file_that_both_name_is_a_dependency(tmp_path: Path) -> None:
    found = plan(
        tmp_path, step("make", command="fetch > out/data.json"), step("use", command="count out/data.json")
    )
    assert (found["make"].reads, found["use"].reads) == ([], ["make"])


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("fetch > out/data.json", "count ./out/data.json", True),
        ("fetch -o {{$.input.file}}", "count {{$.input.file}}", True),
        ("git clone https://host/it repo", "cd repo && make", True),
        ("mkdir -p out", "fetch > out/one.json", True),
        ("fetch > out/one.json", "tar -cf all.tar out", True),
        ("fetch > out/one.json", "fetch > out/two.json", False),
        ("./get.sh {{$.steps.list.output}}", "./put.sh {{$.steps.list.output}}", False),
        ("./get.sh one", "./get.sh two", False),
        ("python3 -u tools/get.py one", "python3 -u tools/get.py two", False),
        ("get -H 'Accept: application/json' one", "get -H 'Accept: application/json' two", False),
        ("get one | jq .data.items", "get two | jq .data.items", False),
    ],
)
def test_commands_that_name_the_same_file_depend_on_each_other(
    tmp_path: Path, first: str, second: str, shared: bool
) -> None:
    found = plan(tmp_path, step("list"), step("one", command=first), step("two", command=second))
    assert ("one" in found["two"].reads) is shared


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("write('all.csv', 1)", "read('all.csv')", True),
        ("Math.max($.steps.list.output)", "Math.max($.steps.list.output)", False),
        ("require('./lib/get.js')(1)", "require('./lib/get.js')(2)", False),
    ],
)
def test_only_texts_in_code_name_files(tmp_path: Path, first: str, second: str, shared: bool) -> None:
    steps = [step("one", "code", source=first), step("two", "code", source=second)]
    assert ("one" in plan(tmp_path, *steps)["two"].reads) is shared


@pytest.mark.parametrize(
    ("body", "carries"),
    [
        ([step("get", command="curl {{$.loop.it}}")], False),
        ([step("get", command="true"), step("use", command="echo {{$.steps.get.output}}")], False),
        ([step("get", command="curl {{$.loop.it}} > {{$.loop.it}}.json")], False),
        ([step("get", "code", source="return ($.steps['get'] || {}).output + 1")], True),
        ([step("use", command="echo {{$.steps.get.output}}"), step("get", command="true")], True),
        ([step("get", command="true"), step("use", command="echo {{$.steps.each.output}}")], True),
        ([step("get", command="true", **{"if": "x"}), step("use", command="echo $.steps.get.output")], True),
        ([step("get", "code", source="return all($.steps)")], True),
        ([step("get", command="curl {{$.loop.it}} >> all.txt")], True),
        ([step("get", command="curl {{$.loop.it}} -o one.json")], True),
        ([step("get", command="curl {{$.loop.it}} 2>&1 -o - >/dev/null")], False),
        ([step("put", "code", source="fs.appendFileSync('all.txt', $.loop.it)")], True),
        ([step("put", "code", source="fs.appendFileSync(`${$.loop.it}.txt`, 1)")], False),
        ([step("put", "file-write", path="all.txt", content="$.loop.it")], True),
        ([step("put", "file-write", path="{{$.loop.it}}.txt", content="$.loop.it")], False),
    ],
)
def test_what_an_iteration_takes_over_from_the_one_before(tmp_path: Path, body: list, carries: bool) -> None:
    assert plan(tmp_path, loop(*body))["each"].carries is carries


def test_an_iteration_takes_over_what_a_sub_flow_in_it_writes(tmp_path: Path) -> None:
    call = step("call", "flow", key="sub")
    found = plan(tmp_path, loop(call), sub=[step("leaf", command="fetch >> all.txt")])
    assert found["each"].carries


def test_a_loop_that_is_told_elsewhere_how_many_run_at_a_time_may_be_concurrent(tmp_path: Path) -> None:
    assert plan(tmp_path, loop(step("get"), maxConcurrency="{{$.input.n}}"))["each"].concurrency == 2


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("claude -p hi --output-format json", ("claude", None)),
        ("cat x | codex exec -", ("codex", None)),
        ("out=$(/usr/bin/gemini -p hi)", ("gemini", None)),
        ("claude -p hi | jq .result", ("claude", "pipe")),
        ("claude -p hi || true", ("claude", None)),
        ("cat claude.md", (None, None)),
    ],
)
def test_which_agent_a_command_starts(tmp_path: Path, command: str, shown: tuple) -> None:
    found = plan(tmp_path, step("s", command=command))["s"]
    assert (found.calls, found.loses) == shown
