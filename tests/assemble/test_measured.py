"""Sizes of what went in: as measured while the run ran, and as estimated from what it left."""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from one_trace.assemble import assemble
from one_trace.engine.call import RunOptions
from one_trace.model.trace import Span
from one_trace.record.files import RunFiles
from one_trace.record.reading import read
from one_trace.runner.command_line import parse
from tests.assemble.generated import Made, Maker
from tests.assemble.recorded import RECORDINGS, lay_out
from tests.truth import Behaviour, Truth, resume_for_truth, run_for_truth

pytestmark = pytest.mark.program

ENDING = {"79-process-exit", "80-unhandled"}
"""Steps that end the process itself, which the tests share."""


def spans_of(files: RunFiles) -> list[Span]:
    return assemble(read(files)).trace.spans


def worked_out(files: RunFiles) -> list[Span]:
    return spans_of(msgspec.structs.replace(files, sizes=None))


def sizes(spans: list[Span]) -> dict[str, int | None]:
    return {span.path: span.input_bytes for span in spans}


def exact(spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.status != "skipped" and "inputBytes" not in span.derived]


# -- any flow


def with_selectors(made: Made, random: Random) -> Made:
    """The same flows, in which steps read what others left, and some are bash."""
    before: list[str] = []

    def change(steps: list[dict[str, Any]]) -> None:
        for step in steps:
            read_ = f"$.steps.{random.choice(before)}.output" if before else "$.input.n"
            config = step.setdefault(step["type"], {})
            if step["id"] in made.bodies and random.random() < 0.5:
                source = f"return [{read_}, {read_}, $.loop.it, $.input.n]"
                step |= {"type": "code", "code": {"source": source}}
            elif step["id"] in made.bodies:
                command = f"echo {{{{ {read_} | json }}}} {{{{q $.loop.it}}}} {{{{$.loop.i}}}}"
                step |= {"type": "bash", "bash": {"command": command, "env": {"A": {"json": read_}}}}
            elif step["type"] == "condition":
                config["expression"] = f"({config['expression']}) || ({read_}, false)"
            elif step["type"] == "while":
                config["condition"] = f"true || {read_}"
            elif step["type"] == "flow":
                config["inputs"] = {"n": read_, "more": [f"<{{{{ {read_} | html }}}}>"]}
            if step["id"] in made.bodies and step["id"].isidentifier():
                before.append(step["id"])
            for name in ("steps", "then", "else"):
                change(config.get(name, []))

    made = deepcopy(made)
    for key, flow in made.flows.items():
        flow["inputs"]["n"] = {"type": "any", "default": [key]}
        before.clear()
        change(flow["steps"])
    return made


def held_against_truth(truth: Truth, spans: list[Span]) -> list[str]:
    """Which sizes are wrong. Spans that the trace cannot tell apart may be swapped: of a step all count, by
    whatever it was called."""
    true: dict[str, list[int | None]] = {}
    for one in truth["spans"]:
        true.setdefault(one["path"], []).append(one.get("inputBytes"))
    wrong = [
        f"{span.path}: {span.input_bytes} for {true.get(span.path)}"
        for span in exact(spans)
        if "iteration" not in span.derived and span.input_bytes not in true.get(span.path, ())
    ]
    shown = Counter((span.flow_key, span.step_id, span.input_bytes) for span in exact(spans))
    happened = Counter((one["flowKey"], one["stepId"], one.get("inputBytes")) for one in truth["spans"])
    return wrong + [f"{step} of {key}: {size} is nobody's" for key, step, size in shown - happened]


@pytest.mark.parametrize("problem", [False, True])
def test_sizes_of_flows_made_at_random_are_those_of_the_truth(
    problem: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for seed in range(40):
        made = with_selectors(Maker(Random(seed), problem=problem).make(3), Random(seed))
        options = RunOptions(stop_after=made.stop_after) if made.stop_after else None
        project = tmp_path_factory.mktemp("made")
        files, truth = run_for_truth(
            project, made.flows, "main", behaviour=made.behaviour, options=options, sizes=True
        )
        spans = spans_of(files)
        assert held_against_truth(truth, spans) == [], seed
        measured = {one["path"] for one in truth["spans"] if "inputBytes" in one}
        inexact = [span.path for span in spans if span.path in measured and "inputBytes" in span.derived]
        assert inexact == [], seed
        assert len(exact(spans)) > 0, seed


def test_what_is_worked_out_is_what_was_measured(tmp_path_factory: pytest.TempPathFactory) -> None:
    """But under a while, where what one turn has read the next one overwrites."""
    alike = 0
    for seed in range(80):
        made = with_selectors(Maker(Random(seed), problem=False, wide=False).make(3), Random(seed))
        if '"while"' in json.dumps(made.flows):
            continue
        project = tmp_path_factory.mktemp("made")
        files, _ = run_for_truth(project, made.flows, "main", behaviour=made.behaviour, sizes=True)
        for span, derived in zip(spans_of(files), worked_out(files), strict=True):
            if derived.input_bytes is not None and span.status != "skipped":
                assert span.input_bytes == derived.input_bytes, (seed, span.path)
                alike += 1
    assert alike > 100


def recorded_runs() -> list[str]:
    found = []
    for path in sorted(RECORDINGS.glob("*/case.json")):
        argv = json.loads(path.read_bytes())["invocations"][0]["argv"]
        if argv[1:3] == ["flow", "execute"] and (path.parent / "runs").exists():
            found.append(path.parent.name)
    return [name for name in found if name not in ENDING]


@pytest.mark.parametrize("case", recorded_runs())
def test_recorded_flows_measured_again(case: str, tmp_path: Path) -> None:
    (recorded, *_) = lay_out(case, tmp_path)
    asked = parse(json.loads((RECORDINGS / case / "case.json").read_bytes())["invocations"][0]["argv"])
    options = RunOptions(
        dry_run=asked.has("--dry-run"),
        mock=asked.has("--mock"),
        allow_bash=asked.has("--allow-bash"),
        stop_after=asked.last("--stop-after"),
    )
    words = asked.values.get("--input", [])
    files, truth = run_for_truth(
        recorded.project, {}, asked.argument or "", inputs=words, options=options, sizes=True
    )
    spans = spans_of(files)
    assert held_against_truth(truth, spans) == []
    assert len(exact(spans)) == sum(span.status != "skipped" for span in spans)
    for span, derived in zip(spans, worked_out(files), strict=True):
        if span in exact(spans) and derived.input_bytes is not None and case != "10-while":
            assert span.input_bytes == derived.input_bytes, span.path


# -- one thing at a time


def step(kind: str, step_id: str, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": step_id, "name": step_id, "type": kind, kind: config, **more}


def transform(step_id: str, expression: str, **more: Any) -> dict[str, Any]:
    return step("transform", step_id, {"expression": expression}, **more)


def flow(*steps: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    return {"key": "main", "name": "main", "inputs": inputs, "steps": list(steps)}


def ran(project: Path, *steps: dict[str, Any], **more: Any) -> RunFiles:
    files, _ = run_for_truth(project, {"main": flow(*steps)}, "main", sizes=True, **more)
    return files


XS = '[1,{"k":2}]'
OUTPUT = '{"s":"ü","xs":[1,{"k":2}]}'
BASH = "é {{ $.steps.a.output.s }} {{$.steps.a.output.no}} {{ $.steps.a.output | json }}"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


ENV = {"A": {"json": "$.steps.a.output.xs"}, "B": "$.steps.a.output.no"}


@pytest.mark.parametrize(
    ("one", "went_in"),
    [
        (transform("b", "$.steps.a.output.s + $.steps.a.output.s + $.steps.a.output.xs.length"), '"ü"' + XS),
        (transform("b", "$.steps['a'].output?.s.trim() + $.steps.a.output.no"), '"ü"'),
        (transform("b", "$.steps.a.output.xs?.[0] + $.steps.a.output?.xs?.length"), "1" + XS),
        (step("code", "b", {"source": "return $.steps.a.output.xs[1].k"}), "2"),
        (step("condition", "b", {"expression": "!$.steps.a.output.s", "then": []}), '"ü"'),
        (step("loop", "b", {"over": "$.steps.a.output.xs", "as": "x", "steps": []}), XS),
        (step("loop", "b", {"over": "$.steps.a.output.xs.k", "as": "x", "steps": []}), "[null,2]"),
        (step("parallel", "b", {"steps": [transform("k", "$.steps.a.output.s")]}), ""),
        (step("bash", "b", {"command": BASH}), f'{{"command":{quoted(f"é ü  {OUTPUT}")}}}'),
        (step("bash", "b", {"command": "x", "env": ENV}), '{"command":"x","env":{"A":{"json":' + XS + "}}}"),
    ],
)  # fmt: skip
def test_what_counts(one: dict[str, Any], went_in: str, tmp_path: Path) -> None:
    made = transform("a", "({s: 'ü', xs: [1, {k: 2}]})")
    one |= {"onError": {"strategy": "continue"}}
    files = ran(tmp_path, made, one, behaviour={"b": Behaviour()})
    spans = spans_of(files)
    assert sizes(spans)["main > b"] == len(went_in.encode())
    assert len(exact(spans)) == len(spans)
    assert sizes(worked_out(files))["main > b"] == len(went_in.encode())


@pytest.mark.parametrize(
    "value", ["'a_b*c <&> \\'d\\' \"é\" \\n/?#\U0001f600 -!'", "[1, {k: 'ü<'}]", "-1.5", "null", "true"]
)
@pytest.mark.parametrize(
    "token", ["{{ $.steps.a.output }}", "{{q $.steps.a.output}}", "{{ $.steps.a.output | PIPE }}"]
)
def test_every_token_weighs_the_same_either_way(value: str, token: str, tmp_path: Path) -> None:
    pipes = ["json", "shell", "url", "md", "html"] if "PIPE" in token else [""]
    steps = [step("bash", f"b{i}", {"command": token.replace("PIPE", pipe)}) for i, pipe in enumerate(pipes)]
    files = ran(tmp_path, transform("a", value), *steps, behaviour={one["id"]: Behaviour() for one in steps})
    assert len(exact(spans_of(files))) == len(steps) + 1
    assert sizes(worked_out(files)) == sizes(spans_of(files))
    assert 0 not in [size for path, size in sizes(spans_of(files)).items() if "> b" in path]


def test_a_while_keeps_what_it_asked_last(tmp_path: Path) -> None:
    body = {"condition": "$.steps.w.output.lastResult.length < 3", "steps": [transform("t", GROWING)]}
    files, truth = run_for_truth(tmp_path, {"main": flow(step("while", "w", body))}, "main", sizes=True)
    spans = spans_of(files)
    assert sizes(exact(spans))["main > w"] == len('"xxx"')
    assert held_against_truth(truth, spans) == []


GROWING = "(($.steps.w.output.lastResult || '') + 'x')"


def test_of_several_attempts_the_last_counts(tmp_path: Path) -> None:
    """What an attempt has left behind in a result is there for the next one."""
    source = "$.steps.a.output.push(1); throw new Error('again')"
    again = step("code", "b", {"source": source}, onError={"strategy": "retry", "retries": 2})
    (_, span) = exact(spans_of_failed(tmp_path, transform("a", "[]"), again))
    assert (span.attempts, span.input_bytes) == (3, len("[1,1]"))


def spans_of_failed(project: Path, *steps: dict[str, Any]) -> list[Span]:
    files, truth = run_for_truth(project, {"main": flow(*steps)}, "main", sizes=True)
    assert truth["status"] == "error"
    return spans_of(files)


def test_silent_children_in_blocks_within_blocks(tmp_path: Path) -> None:
    inner = step(
        "parallel", "in", {"steps": [transform("x", "$.loop.it"), transform("y", "$.steps.a.output")]}
    )
    block = step(
        "parallel", "p", {"steps": [transform("x2", "$.loop.it + $.loop.i"), inner], "maxConcurrency": 1}
    )
    turns = step("loop", "l", {"over": "$.steps.a.output", "as": "it", "steps": [block], "maxConcurrency": 2})
    spans = spans_of(ran(tmp_path, transform("a", "[1, 22, 333]"), turns))
    found = sizes(exact(spans))
    assert len(found) == len(spans)
    assert [found[f"main > l[{i}] > p > in > x"] for i in range(3)] == [1, 2, 3]
    assert [found[f"main > l[{i}] > p > x2"] for i in range(3)] == [2, 3, 4]
    assert found["main > l[1] > p > in > y"] == 10


def test_ids_that_are_numbers_are_counted_with_those_that_look_like_them(tmp_path: Path) -> None:
    seven = transform("7", "1") | {"id": 7}
    inputs = {"n": {"type": "string", "default": "abc"}}
    sub = {"key": "sub", "name": "s", "inputs": inputs, "steps": [seven, transform("7", "$.input.n")]}
    main = {"main": flow(step("flow", "c", {"key": "sub"})), "sub": sub}
    files, truth = run_for_truth(tmp_path, main, "main", sizes=True)
    spans = spans_of(files)
    assert held_against_truth(truth, spans) == []
    assert [(span.step_id, span.input_bytes) for span in exact(spans)] == [("c", 0), ("7", 0), ("7", 5)]


def test_a_resumed_run_counts_anew(tmp_path: Path) -> None:
    a, b = transform("a", "'1'"), transform("b", "$.steps.a.output")
    files, truth = run_for_truth(
        tmp_path, {"main": flow(a, b)}, "main", behaviour={"b": Behaviour(1, error="no")}, sizes=True
    )
    resume_for_truth(files, truth, sizes=True)
    spans = spans_of(files)
    assert sizes(exact(spans)) == {"main > a": 0, "main > b": 3, "main#2 > b": 3}


def test_a_run_that_was_measured_only_from_its_resume_on(tmp_path: Path) -> None:
    a, b = transform("a", "'1'"), transform("b", "$.steps.a.output")
    main = {"main": flow(a, b)}
    files, truth = run_for_truth(tmp_path, main, "main", behaviour={"b": Behaviour(1, error="no")})
    resume_for_truth(files, truth, sizes=True)
    spans = spans_of(files)
    assert sizes(exact(spans)) == {"main#2 > b": 3}
    assert sizes(spans)["main > b"] == 3


def test_the_environment_is_not_measured(tmp_path: Path) -> None:
    reads = [transform("a", "$.env.HOME"), step("bash", "b", {"command": "echo {{ $.env.HOME }}"})]
    files = ran(tmp_path, *reads, transform("c", "$['env'].HOME"), behaviour={"b": Behaviour()})
    assert files.sizes is not None
    assert b"step" not in files.sizes.read_bytes()
    assert set(sizes(spans_of(files)).values()) == {None}


# -- damage


@pytest.fixture
def run(tmp_path: Path) -> RunFiles:
    turns = {"over": "$.steps.a.output", "as": "x", "steps": [transform("t", "$.loop.x")]}
    return ran(tmp_path, transform("a", "[1, 22, 333]"), step("loop", "l", turns))


@pytest.fixture
def growing(tmp_path: Path) -> RunFiles:
    """A run in which executions are measured several times, each time another size."""
    body = {"condition": "$.steps.w.output.lastResult.length < 3", "steps": [transform("t", GROWING)]}
    again = {"source": "if ($.steps.a.output.push(1) < 4) throw new Error('again')"}
    retried = step("code", "b", again, onError={"strategy": "retry", "retries": 2})
    files = ran(tmp_path, step("while", "w", body), transform("a", "[1]"), retried)
    assert len(exact(spans_of(files))) == 6
    return files


def rewritten(run: RunFiles, data: bytes) -> list[Span]:
    assert run.sizes is not None
    run.sizes.write_bytes(data)
    return spans_of(run)


@pytest.mark.parametrize("runs", ["run", "growing"])
def test_a_file_cut_anywhere_tells_nothing_wrong(runs: str, request: pytest.FixtureRequest) -> None:
    run: RunFiles = request.getfixturevalue(runs)
    assert run.sizes is not None
    data, right = run.sizes.read_bytes(), sizes(spans_of(run))
    counts = []
    for length in range(len(data) + 1):
        spans = exact(rewritten(run, data[:length]))
        assert sizes(spans).items() <= right.items()
        counts.append(len(spans))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == len(right)


@pytest.mark.parametrize("other", ["dropped", "doubled", "swapped", "later"])
def test_lines_that_are_not_in_their_place_tell_nothing_wrong(other: str, growing: RunFiles) -> None:
    assert growing.sizes is not None
    lines, right = growing.sizes.read_bytes().splitlines(keepends=True), sizes(spans_of(growing))
    for at, line in enumerate(lines):
        before, after = lines[:at], lines[at + 1 :]
        changed = {
            "dropped": [*before, *after],
            "doubled": [*before, line, line, *after],
            "swapped": [*before, *after[:1], line, *after[1:]],
            "later": [*before, *after, line],
        }[other]
        found = sizes(exact(rewritten(growing, b"".join(changed))))
        assert found.items() <= right.items()
        assert at == 0 or changed == lines or len(found) < len(right)  # the head may stand there twice


def test_a_killed_run_keeps_the_sizes_that_can_have_no_later_one(tmp_path: Path) -> None:
    body = {"condition": "$.steps.w.output.lastResult.length < 3", "steps": [transform("t", GROWING)]}
    files = ran(tmp_path, transform("a", "1"), step("while", "w", body), kill_after=8)
    assert sizes(exact(spans_of(files))) == {"main > a": 0, "main > w[0] > t": 0, "main > w[1] > t": 3}


@pytest.mark.parametrize(
    ("lost", "left"), [(b'"go":', {}), (b'"end":', {"main > a": 0, "main > b": 3, "main#2 > b": 3})]
)
def test_a_resumed_run_that_lost_a_line_between_its_goes(
    lost: bytes, left: dict[str, int], tmp_path: Path
) -> None:
    steps = [transform("a", "'1'"), transform("b", "$.steps.a.output")]
    bodies = {"b": Behaviour(1, error="no")}
    files, truth = run_for_truth(tmp_path, {"main": flow(*steps)}, "main", behaviour=bodies, sizes=True)
    resume_for_truth(files, truth, sizes=True)
    assert files.sizes is not None
    head, *lines = files.sizes.read_bytes().splitlines(keepends=True)
    lines.remove(next(line for line in lines if lost in line))
    assert sizes(exact(rewritten(files, b"".join([head, *lines])))) == left


GARBAGE = [
    b"",
    b"\xff\xfe\0",
    b"[1]\n" * 3,
    b'{"step":"t"',
    b'{"step":1,"nth":1,"bytes":1}\n{}',
    b'{"step":"t","nth":1,"bytes":-1}\n{}',
    b'{"step":"t","nth":1,"bytes":true}\n{}',
    b'{"step":"t","nth":1,"bytes":1e400}\n{}',
    b"[" * 100_000 + b"\n{}",
]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("where", ["alone", "first", "between"])
def test_garbage_makes_sizes_unknown_and_nothing_worse(garbage: bytes, where: str, run: RunFiles) -> None:
    assert run.sizes is not None
    right = sizes(spans_of(run))
    head, *lines = run.sizes.read_bytes().splitlines()
    first, rest = b"\n".join(lines[:2]), b"\n".join(lines[2:])
    parts = {
        "alone": [garbage],
        "first": [garbage, head, first, rest],
        "between": [head, first, garbage, rest],
    }
    spans = rewritten(run, b"\n".join(parts[where]))
    assert sizes(spans) == right
    whole = where == "first" or (where == "between" and not garbage)
    assert len(exact(spans)) == (len(spans) if whole else 0)


@pytest.mark.parametrize("change", [("run", "0" * 12), ("go", "2026-11-22T15:27:16.788Z")])
def test_the_file_of_another_run_is_not_believed(change: tuple[str, str], run: RunFiles) -> None:
    assert run.sizes is not None
    head, rest = run.sizes.read_bytes().split(b"\n", 1)
    other = json.dumps(json.loads(head) | dict([change])).encode()
    assert exact(rewritten(run, other + b"\n" + rest.replace(b'"bytes":', b'"bytes":9'))) == []


def test_a_log_that_lost_a_line_is_not_numbered_by(run: RunFiles) -> None:
    assert run.log is not None
    lines = run.log.read_bytes().splitlines(keepends=True)
    lost = next(line for line in lines if b"step:start" in line and b'"stepId":"t"' in line)
    run.log.write_bytes(b"".join(line for line in lines if line is not lost))
    assert {span.step_id for span in exact(spans_of(run))} == {"a", "l"}


def test_a_folder_in_the_place_of_the_file(run: RunFiles) -> None:
    assert run.sizes is not None
    run.sizes.unlink()
    run.sizes.mkdir()
    assert exact(spans_of(run)) == []
