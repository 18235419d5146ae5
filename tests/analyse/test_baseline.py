"""A baseline file says of a run what the runs say that it was made of; a file of somebody else is checked."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from random import Random

import pytest
from machine import Machine
from made import START_MS, USAGE, assembly, span

from one_trace.analyse.baseline import compare, make
from one_trace.analyse.diff import DiffDocument, of_past
from one_trace.analyse.step_runs import PastRuns, StepRef, StepRun, steps_of
from one_trace.errors import CliError
from one_trace.export.baseline import read_baseline, to_file
from one_trace.model.baseline import LONGEST_PATH, SCHEMA, Baseline
from one_trace.model.trace import PlannedStep, Trace
from one_trace.store import Store

STEPS = ("fetch", "each > ask", "send")


def past(random: Random, runs: int) -> PastRuns:
    def step() -> StepRun:
        usd = round(random.uniform(0.01, 0.02), 5)
        ms = float(random.randint(90, 130))
        return StepRun(count=1, status="success", duration_ms=ms, output_bytes=2000.0, cost_usd=usd)

    return PastRuns(
        runs=[float(random.randint(300, 360)) for _ in range(runs)],
        costs=[0.05] * runs,
        steps={path: [step() for _ in range(runs)] for path in STEPS},
        refs={path: StepRef(path, path.rpartition(" > ")[2], "bash") for path in STEPS},
    )


def after(random: Random) -> Trace:
    each = span("each", type="loop", duration_ms=float(random.choice((100, 500))))
    spans = [span("fetch", duration_ms=float(random.choice((95, 128, 400))), output_bytes=2000), each]
    spans.append(span("ask", each, iteration=0, usage=USAGE, status=random.choice(("success", "error"))))
    return assembly(spans=spans, duration_ms=float(random.choice((310, 355, 900)))).trace


def verdict(document: DiffDocument) -> list[object]:
    steps = sorted((one.path, one.changes, one.noise) for one in document.steps)
    return [document.noise, document.past_runs, steps]


def reread(tmp_path: Path, data: bytes) -> Baseline:
    path = tmp_path / "base.json"
    path.write_bytes(data)
    return read_baseline(path)


@pytest.mark.parametrize("seed", range(20))
def test_a_file_gives_the_verdict_of_the_runs_it_was_made_of(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    known, run = past(random, random.choice((3, 8, 50))), after(random)
    baseline = make("my-flow", known, [])
    assert reread(tmp_path, to_file(baseline)) == baseline
    assert verdict(compare(baseline, run)) == verdict(of_past(known, run))


def test_a_file_has_a_step_a_line_in_the_order_of_the_flow() -> None:
    order = ("send", "each", "each > ask", "rescue")
    plan = [PlannedStep(path=f"my-flow > {path}", type="bash", flow_key="my-flow") for path in order]
    data = to_file(make("my-flow", past(Random(1), 8), plan))
    assert data == to_file(make("my-flow", past(Random(1), 8), plan))
    steps = [json.loads(line.rstrip(b",")) for line in data.split(b"\n") if line.startswith(b"    {")]
    assert [step["path"] for step in steps] == [*order, "fetch"]
    assert [step.get("runs", 0) for step in steps] == [8, 0, 8, 0, 8]


def test_a_step_nested_too_deeply_for_a_file_is_not_said_to_be_new(tmp_path: Path) -> None:
    deep = [span("a" * 1000)]
    for _ in range(LONGEST_PATH // 1000):
        deep.append(span("a" * 1000, deep[-1]))
    run = assembly(spans=deep).trace
    paths = list(steps_of(run))
    known = PastRuns(
        runs=[300.0] * 8,
        costs=[],
        steps={path: [StepRun(count=1, status="success", duration_ms=100.0)] * 8 for path in paths},
        refs={path: StepRef(path, "a" * 1000, "bash") for path in paths},
    )
    baseline = reread(tmp_path, to_file(make("my-flow", known, [])))
    assert len(baseline.steps) == len(paths) - 1
    document = compare(baseline, run)
    assert (len(document.steps), document.counts.get("added", 0)) == (len(paths) - 1, 0)


FIGURES = '"flowKey": "f", "runs": 1, "durationMs": {"p50": 1}'
STEP = '{"path": "s", "type": "bash"}'


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "not valid JSON"),
        ("\x00\xff", "not valid JSON"),
        ('{"schema":' + "[" * 100_000, "nested too deeply"),
        ('{"schema": "one-trace/1"}', f"not a {SCHEMA} document, but one of schema one-trace/1"),
        ('{"schema": "\\u001b[2J"}', "of schema \\x1b[2J"),
        ("{" + FIGURES + "}", "without a schema"),
        (f'{{"schema": "{SCHEMA}"}}', "flowKey"),
        (f'{{"schema": "{SCHEMA}", {FIGURES}, "steps": [{STEP}, {STEP}]}}', "another step has it too"),
        (f'{{"schema": "{SCHEMA}", {FIGURES}, "steps": [{{"path": "", "type": ""}}]}}', "steps[0]"),
        (f'{{"schema": "{SCHEMA}", {FIGURES}, "costUsd": {{"p50": 2, "low": 3}}}}', "costUsd: is out"),
        (f'{{"schema": "{SCHEMA}", {FIGURES}, "costUsd": {{"p50": -1}}}}', "costUsd: is out of range"),
        (f'{{"schema": "{SCHEMA}", {FIGURES}, "costUsd": {{"p50": 1e999}}}}', "costUsd"),
        (f'{{"schema": "{SCHEMA}", "flowKey": "f", "runs": 0, "durationMs": {{"p50": 1}}}}', "runs: is out"),
        (f'{{"schema": "{SCHEMA}", {FIGURES}, "steps": [{STEP[:-1]}, "count": -1}}]}}', "steps[0]: a count"),
        (" " * (4 << 20) + "{}", "is larger than 4 MiB"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(CliError) as caught:
        reread(tmp_path, text.encode("latin-1"))
    assert wrong in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


def test_a_baseline_of_one_machine_ends_a_script_on_another(machine: Machine) -> None:
    with Store(machine.data / "traces.db") as store:
        for number in range(8):
            slow = number == 7
            spans = [span("ask", duration_ms=900.0 if slow else 100.0 + number, error="password=hunter2")]
            run_id, start = f"{number:011x}a", START_MS + number * 60_000
            store.save(assembly(run_id, spans, start=start, duration_ms=910.0 if slow else 110.0 + number))
    slow_run = machine.project / "slow.json"
    assert machine.one("trace", "export", "last", "-o", str(slow_run)).code == 0
    printed = machine.one("--agent", "trace", "baseline", "my-flow")
    written = machine.one("--agent", "trace", "baseline", "my-flow", "-o", "base.json").document
    path = machine.project / "base.json"
    assert (written["flowKey"], written["format"]) == ("my-flow", "baseline")
    assert printed.out == path.read_bytes()
    assert printed.document["runs"] == 8
    assert b"hunter2" not in printed.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    elsewhere = {"ONE_TRACES_DATA_DIR": str(machine.root / "other")}
    argv = ("--agent", "trace", "diff", "slow.json", "--baseline", "base.json")
    done = machine.one(*argv, "--fail-on", "slower:20%", env=elsewhere)
    assert (done.code, done.document["baseline"], done.document["steps"][0]["changes"]) == (
        1,
        "file",
        ["slower"],
    )
    assert machine.one(*argv, env=elsewhere).code == 0
    wrong = machine.one(*argv[:-1], "slow.json", env=elsewhere)
    assert (wrong.code, wrong.document["error"]["code"]) == (1, "invalid-document")
    assert machine.one("--agent", "trace", "baseline", "my-folw").code == 3
