"""The file of input sizes that a traced run leaves: its content, what it never contains, and its cost."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flows import (
    ROOT,
    XS,
    Project,
    bash,
    flow,
    kill,
    loop,
    parallel,
    read_until,
    step,
    transform,
    wait,
    workers_of,
)

from one_trace.runner import node

CANARY = "canary-7f3a"


def sizes_of(project: Project) -> list[dict[str, Any]]:
    (path,) = (project.root / ".one/flows/.sizes").iterdir()
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def traced(
    project: Project, *steps: dict[str, Any], args: tuple[str, ...] = (), **more: Any
) -> list[dict[str, Any]]:
    ran = project.run(*steps, args=("--trace", *args), **more)
    assert ran.code == 0, ran.stdout
    return sizes_of(project)


def shown(project: Project) -> dict[str, dict[str, Any]]:
    ran = project.one("--agent", "trace", "show", "--full")
    return {span["path"]: span for span in json.loads(ran.stdout)["spans"]}


def test_the_file_has_a_head_a_line_per_execution_and_a_count(project: Project) -> None:
    block = parallel("p", transform("c", "$.loop.x"), transform("d"))
    head, *lines, last = traced(project, loop("l", transform("a", "$.loop.x"), block), inputs=XS)
    begun = project.log()[0]
    assert head == {"run": begun["runId"], "go": begun["ts"]}
    assert lines[:5] == [
        {"n": 1, "step": "l", "nth": 1, "bytes": 7},
        {"n": 2, "step": "a", "nth": 1, "bytes": 1},
        {"n": 3, "step": "p", "nth": 1, "bytes": 0},
        {"n": 4, "step": "p", "nth": 1, "child": [1, 0], "bytes": 1},
        {"n": 5, "step": "p", "nth": 1, "child": [1, 1], "bytes": 0},
    ]
    assert len(lines) == 1 + 3 * 4
    assert last == {"end": len(lines)}


def test_the_file_is_private_and_beside_the_log(project: Project) -> None:
    traced(project, transform("a"))
    (path,) = (project.root / ".one/flows/.sizes").iterdir()
    (log,) = (project.root / ".one/flows/.logs").iterdir()
    assert path.stem == log.stem
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("flag", [(), ("--no-trace",)])
def test_a_run_that_is_not_traced_leaves_none(flag: tuple[str, ...], project: Project) -> None:
    assert project.run(transform("a"), args=flag).code == 0
    assert sorted(path.name for path in (project.root / ".one/flows").iterdir()) == [".logs", ".runs", "main"]


def test_sizes_are_exact(project: Project) -> None:
    steps = [
        transform("a", "({text: 'é'})"),
        transform("b", "$.steps.a.output.text"),
        bash("c", "echo {{ $.steps.a.output.text }}"),
        transform("no", "1", **{"if": "false"}),
    ]
    traced(project, *steps, args=("--allow-bash",))
    spans = shown(project)
    found = {path: span["inputBytes"] for path, span in spans.items()}
    bytes_ = len('{"command":"echo é"}'.encode())
    assert found == {"main > a": 0, "main > b": 4, "main > c": bytes_, "main > no": None}
    assert [path for path, span in spans.items() if "inputBytes" in span["derived"]] == []


def test_a_resumed_run_appends_its_sizes(project: Project) -> None:
    failing = transform("b", "$.steps.a.output > 1 ? 1 : missing")
    ran = project.run(transform("a"), failing, args=("--trace",))
    assert ran.code == 1
    project.flows(flow("main", transform("a"), transform("b", "$.steps.a.output")))
    assert project.one("--agent", "flow", "resume", ran.result["runId"], "--trace").code == 0
    lines = sizes_of(project)
    goes = [line["go"] for line in lines if "go" in line]
    assert goes == [line["ts"] for line in project.log() if line["msg"] in ("Flow started", "Flow resumed")]
    assert [(line["step"], line["nth"]) for line in lines if "step" in line] == [("a", 1), ("b", 1), ("b", 1)]
    derived = {path: "inputBytes" in span["derived"] for path, span in shown(project).items()}
    assert derived == {"main > a": False, "main > b": False, "main#2 > b": False}


def test_a_killed_run_keeps_what_was_measured(project: Project) -> None:
    project.flows(flow("main", transform("a"), transform("b", "$.steps.a.output"), wait("w", 60_000)))
    process = project.start("--agent", "flow", "execute", "main", "--trace")
    read_until(process, b'"stepId":"w"')
    for pid in (*workers_of(process), process.pid):
        kill(pid)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert [line["step"] for line in sizes_of(project) if "step" in line][:2] == ["a", "b"]
    assert project.one("--agent", "trace", "import").code == 0
    span = shown(project)["main > b"]
    assert (span["inputBytes"], span["derived"]) == (1, [])


def test_the_file_holds_no_value(project: Project) -> None:
    project.env["SECRET"] = CANARY
    steps = [
        transform("a", f"({{word: '{CANARY}', ['{CANARY}']: 1}})"),
        transform("b", f"$.steps.a.output.word + '{CANARY}' + $.steps.a.output['{CANARY}']"),
        step("code", "c", {"source": f"console.log($.env.SECRET); return $.steps.a.output // {CANARY}"}),
        bash("d", f"echo {CANARY} {{{{ $.input.word }}}} {{{{ $.env.SECRET }}}}"),
        transform("e", "1", onError={"strategy": "continue"}, requires=["$.steps.a.output.no"]),
    ]
    inputs = {"word": {"type": "string"}}
    traced(project, *steps, args=("--allow-bash", "--input", f"word={CANARY}"), inputs=inputs)
    (path,) = (project.root / ".one/flows/.sizes").iterdir()
    assert CANARY not in path.read_text()
    assert [line["step"] for line in sizes_of(project) if "step" in line] == ["a", "b", "e"]


def test_measuring_prints_no_warning(project: Project) -> None:
    steps = [transform("a", "({k: 1})"), bash("b", "echo {{ $.steps.a.output }}")]
    ran = project.run(*steps, args=("--trace", "--allow-bash"))
    assert ran.stderr.count("was stringified as JSON") == 1


def test_a_run_does_not_need_its_sizes_file(project: Project) -> None:
    project.write(".one/flows/.sizes", "a file in the place of the folder")
    ran = project.run(transform("a"), transform("b", "$.steps.a.output"), args=("--trace",))
    assert ran.code == 0
    assert shown(project)["main > b"]["inputBytes"] == 1
    assert shown(project)["main > b"]["derived"] == ["inputBytes"]


NOTE = """
import { SizeFile } from "%s";
const [path, cost] = process.argv.slice(1);
let now = 0;
performance.now = () => now;
const file = new SizeFile(path, { run: "r", go: "g" });
const slow = { toJSON() { now += Number(cost); return 1; } };
const round = {};
round.o = round;
const step = { type: "transform", transform: { expression: "$.input.x" } };
const note = (nth, x, again) => file.note({ step: "a", nth }, step, { input: { x } }, again);
"""
SLOW = """
note(1, slow, false);
note(2, slow, false);
note(3, 5, false);
note(1, slow, true);
now += 100_000;
note(4, slow, false);
"""
ODD = """
const long = () => "ü".repeat(20_000);
const odd = [undefined, () => 1, 1n, [1n], round, "\\ud800", long(), long(), { _steps: 1, k: 2 }, -0];
odd.forEach((value, i) => note(i, value, false));
"""


def noted(script: str, path: Path, cost: int = 0) -> list[tuple[int, int | None]]:
    """The sizes that a script has written, on its own clock."""
    found = next(iter(node.candidates(os.environ)))
    script = NOTE % (ROOT / "one_trace/runner/js/sizes.cjs") + script
    subprocess.run([found, "--input-type=module", "-e", script, str(path), str(cost)], check=True, timeout=60)
    lines = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    return [(line["nth"], line["bytes"]) for line in lines[1:]]


@pytest.mark.parametrize(
    ("cost", "reported"),
    [
        (60, [(1, 1), (1, None), (4, 1)]),
        (30, [(1, 1), (3, 1), (1, None), (4, 1)]),
        (20, [(1, 1), (2, 1), (3, 1), (1, None), (4, 1)]),
        (1, [(1, 1), (2, 1), (3, 1), (1, 1), (4, 1)]),
    ],
)
def test_measuring_takes_no_more_than_its_share(
    cost: int, reported: list[tuple[int, int | None]], tmp_path: Path
) -> None:
    """A size that would take too long is omitted; an outdated one is revoked."""
    assert noted(SLOW, tmp_path / "sizes", cost) == reported


def test_the_size_is_that_of_its_json(tmp_path: Path) -> None:
    """A value without JSON has no size, as in the record."""
    sizes = [(0, 0), (1, 0), (5, 8), (6, 40_002), (7, 40_002), (8, 7), (9, 1)]
    assert noted(ODD, tmp_path / "sizes") == sizes


def test_without_a_folder_nothing_is_measured(tmp_path: Path) -> None:
    assert noted(ODD + SLOW, tmp_path / "none" / "sizes") == []
