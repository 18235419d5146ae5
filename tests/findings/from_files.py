"""Kinds of history whose plan is read from flow files, as that of a traced run is."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random

from one_trace.assemble.flowtree.planned import plan_of
from one_trace.assemble.flowtree.trees import Trees
from one_trace.model.trace import PlannedStep
from one_trace.record.flows import FlowFiles
from tests.findings.histories import Draft, History, runs
from tests.findings.kinds import kind

Step = dict[str, object]


def step(name: str, command: str = "true", **more: object) -> Step:
    return {"id": name, "name": name, "type": "bash", "bash": {"command": command}, **more}


def code(name: str, source: str) -> Step:
    return {"id": name, "name": name, "type": "code", "code": {"source": source}}


def loop(name: str, *body: Step) -> Step:
    config = {"over": "$.input.all", "as": "it", "steps": list(body)}
    return {"id": name, "name": name, "type": "loop", "loop": config}


def call(name: str, key: str, **inputs: str) -> Step:
    return {"id": name, "name": name, "type": "flow", "flow": {"key": key, "inputs": inputs}}


def either(name: str, then: Step, otherwise: Step) -> Step:
    config = {"expression": "$.input.x", "then": [then], "else": [otherwise]}
    return {"id": name, "name": name, "type": "condition", "condition": config}


def read(flow: str, *steps: Step, **others: list[Step]) -> list[PlannedStep]:
    """The plan of a flow of these steps; `others` are the flows that it calls."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for key, inside in {flow: list(steps), **others}.items():
            path = project / ".one/flows" / key / "flow.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps({"key": key, "name": key, "inputs": {}, "steps": inside}))
        files = FlowFiles(project)
        trees = Trees(files, [])
        return plan_of(trees, trees.root(flow, files.named(flow)))


def neighbours(flow: str, random: Random, one: str, two: str, *, independent: bool) -> History:
    """Two slow commands, one after the other, behind a step whose result both may read."""
    times = random.choice([300, 600, 2000]), random.choice([300, 500])

    def make(draft: Draft) -> None:
        draft.step("list", draft.noisy(30), kind="code")
        for name, ms in zip(("one", "two"), times, strict=True):
            draft.step(name, draft.noisy(ms))

    plan = read(flow, code("list", "return 1"), step("one", one), step("two", two))
    must = {("independent-steps", "one")} if independent else set()
    return History("", flow, runs(flow, random, random.randint(5, 40), make, plan), must)


def looped(flow: str, random: Random, *body: Step, independent: bool, **others: list[Step]) -> History:
    """A sequential loop whose first step is slow."""
    items = random.randint(4, 12)

    def make(draft: Draft) -> None:
        each = draft.step("each", 0.0, kind="loop")
        for i in range(items):
            first, *rest = body
            slow = draft.step(str(first["id"]), draft.noisy(200), parent=each, iteration=i)
            if first["type"] == "flow":
                slow.type = "flow"
                leaf = draft.step("leaf", slow.duration_ms, parent=slow, start=slow.start_ms)
                leaf.flow_key = str(first["flow"]["key"])  # type: ignore[index]
            for later in rest:
                draft.step(str(later["id"]), draft.noisy(5), parent=each, iteration=i)
        draft.close(each)

    plan = read(flow, loop("each", *body), **others)
    must = {("sequential-loop", "each")} if independent else set()
    return History("", flow, runs(flow, random, random.randint(5, 40), make, plan), must)


LIST = "{{$.steps.list.output}}"
JSON = "-H 'Accept: application/json'"


@kind
def neighbours_read_the_same_step(flow: str, random: Random) -> History:
    return neighbours(flow, random, f"get {LIST}", f"put {LIST}", independent=True)


@kind
def neighbours_run_the_same_script(flow: str, random: Random) -> History:
    return neighbours(flow, random, "python3 tools/get.py 1", "python3 tools/get.py 2", independent=True)


@kind
def neighbours_ask_for_json(flow: str, random: Random) -> History:
    one, two = (f"curl {JSON} https://{name}.example.com/items | jq .data.id" for name in ("a", "b"))
    return neighbours(flow, random, one, two, independent=True)


@kind
def neighbours_read_one_another(flow: str, random: Random) -> History:
    return neighbours(flow, random, f"get {LIST}", 'put {{$.steps["one"].output}}', independent=False)


@kind
def neighbours_share_a_file(flow: str, random: Random) -> History:
    return neighbours(flow, random, "curl -o data.json https://host", "jq . ./data.json", independent=False)


@kind
def neighbours_share_a_folder(flow: str, random: Random) -> History:
    return neighbours(flow, random, "git clone https://host/it repo", "cd repo && make", independent=False)


@kind
def neighbours_share_a_file_of_the_inputs(flow: str, random: Random) -> History:
    one, two = "get -o {{$.input.file}}", "count {{$.input.file}}"
    return neighbours(flow, random, one, two, independent=False)


@kind
def loop_over_a_sub_flow(flow: str, random: Random) -> History:
    leaf = [step("leaf", "get {{$.input.it}}")]
    return looped(flow, random, call("call", "sub", it="$.loop.it"), independent=True, sub=leaf)


@kind
def loop_over_a_sub_flow_that_appends(flow: str, random: Random) -> History:
    leaf = [step("leaf", "get {{$.input.it}} >> out/all.jsonl")]
    return looped(flow, random, call("call", "sub", it="$.loop.it"), independent=False, sub=leaf)


@kind
def loop_whose_code_appends(flow: str, random: Random) -> History:
    body = (step("get", "get {{$.loop.it}}"), code("put", "fs.appendFileSync('all.txt', $.steps.get.output)"))
    return looped(flow, random, *body, independent=False)


@kind
def loop_that_reads_its_last_result(flow: str, random: Random) -> History:
    return looped(flow, random, step("get", "get {{$.steps.get.output}}"), independent=False)


@kind
def loop_that_reads_nothing(flow: str, random: Random) -> History:
    body = (step("get", "get {{$.loop.it}}"), code("use", "return $.steps.get.output"))
    return looped(flow, random, *body, independent=True)


@kind
def callers_take_different_branches(flow: str, random: Random) -> History:
    """Each branch of a shared sub-flow runs, but only for one of its callers."""
    sub = [either("which", step("x"), step("y"))]

    def make(draft: Draft) -> None:
        for name, side, taken in (("first", "then", "x"), ("second", "else", "y")):
            caller = draft.step(name, 0.0, kind="flow")
            which = draft.step("which", 0.0, kind="condition", parent=caller)
            leaf = draft.step(taken, draft.noisy(50), parent=which, branch=side)
            which.flow_key = leaf.flow_key = "sub"
            draft.close(which)
            draft.close(caller)

    plan = read(flow, call("first", "sub"), call("second", "sub", it="$.steps.first.output"), sub=sub)
    return History("", flow, runs(flow, random, random.randint(12, 50), make, plan), set())


@kind
def branch_of_a_sub_flow_never_taken(flow: str, random: Random) -> History:
    sub = [either("which", step("x"), step(f"{flow}-never"))]

    def make(draft: Draft) -> None:
        caller = draft.step("caller", 0.0, kind="flow")
        which = draft.step("which", 0.0, kind="condition", parent=caller)
        leaf = draft.step("x", draft.noisy(50), parent=which, branch="then")
        which.flow_key = leaf.flow_key = "sub"
        draft.close(which)
        draft.close(caller)

    plan = read(flow, call("caller", "sub"), sub=sub)
    made = runs(flow, random, random.randint(12, 50), make, plan)
    return History("", flow, made, {("dead-step", f"{flow}-never")})


def models(flow: str, random: Random, bad: float) -> History:
    """Two models in turn, the second for a tenth of the cost; it fails in the part `bad` of the runs."""
    count = random.randint(40, 80)

    def make(draft: Draft) -> None:
        cheap = draft.number % 2 == 1
        fails = cheap and random.random() < bad
        draft.step(
            "ask",
            draft.noisy(900),
            usd=0.05 if cheap else 0.5,
            model="haiku" if cheap else "opus",
            status="error" if fails else "success",
        )

    must = {("flaky", "ask")} if bad else {("cheaper-model", "ask")}
    may = {("wasted", flow)}
    return History("", flow, runs(flow, random, count, make, read(flow, step("ask"))), must, may)


@kind
def cheaper_model_does_as_well(flow: str, random: Random) -> History:
    return models(flow, random, 0.0)


@kind
def cheaper_model_fails(flow: str, random: Random) -> History:
    return models(flow, random, 0.4)


@kind
def timeout_lowered(flow: str, random: Random) -> History:
    """A version cut a generous time-out to little more than the step takes."""
    at = random.randint(10, 25)
    count = at + random.randint(12, 30)

    def make(draft: Draft) -> None:
        old = draft.number < at
        draft.version = "v1" if old else "v2"
        draft.plan = read(flow, step("work", timeoutMs=20_000 if old else 300))
        draft.step("work", min(draft.noisy(260, 0.03), 299.0))

    return History("", flow, runs(flow, random, count, make, []), {("near-timeout", "work")})


@kind
def moved_into_a_block(flow: str, random: Random) -> History:
    """Neighbours that a version put into a parallel block: nothing is left to advise, and no step is dead."""
    at = random.randint(8, 20)
    count = at + random.randint(12, 30)
    ids = ("one", "two")

    def make(draft: Draft) -> None:
        old = draft.number < at
        draft.version = "v1" if old else "v2"
        block: Step = {"id": "both", "name": "both", "type": "parallel", "parallel": {"steps": []}}
        block["parallel"] = {"steps": [step(name) for name in ids]}
        draft.plan = read(flow, *([step(name) for name in ids] if old else [block]))
        both = None if old else draft.step("both", 0.0, kind="parallel")
        for name in ids:
            draft.step(name, draft.noisy(400), parent=both, start=None if both is None else 0.0)
        if both is not None:
            draft.close(both)

    return History("", flow, runs(flow, random, count, make, []), set())
