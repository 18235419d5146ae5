"""The live tree: recorded moments compared with golden files, and invariants."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from random import Random

import pytest
from live_claims import contradictions, rows
from truths import RECORDINGS

from one_trace.engine.call import RunOptions
from one_trace.model.times import to_ms
from one_trace.view.cells import text_width
from one_trace.view.live_plan import plan_of
from one_trace.view.live_tree import LiveTree
from one_trace.view.screen import Screen
from one_trace.view.style import Style
from tests.assemble.generated import Maker
from tests.effort import effort
from tests.truth import run_for_truth

GOLDEN = Path(__file__).parent / "golden"
MOMENTS = [
    ("97b-realistic-fails", 0.6, 80),
    ("97b-realistic-fails", 1.0, 120),
    ("31b-default-retry", 0.4, 80),
    ("07-loop-conc", 0.5, 80),
    ("18-three-level", 0.7, 120),
    ("23-timeout-continue", 0.5, 60),
    ("39-loop-2000", 0.5, 80),
]


def log_of(case: str) -> list[tuple[int, dict]]:
    (path,) = (RECORDINGS / case / "logs").iterdir()
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = [json.loads(line) for line in data.split(b"\n") if line]
    return [(to_ms(line["ts"]) or 0, line) for line in lines]


def at(case: str, share: float) -> tuple[LiveTree, float]:
    """A recorded run after this share of its time."""
    log = log_of(case)
    began, ended = log[0][0], log[-1][0]
    now = began + (ended - began) * share
    live = LiveTree(case, began)
    for moment, event in log:
        if moment <= now:
            live.feed(event, moment)
    return live, now


@pytest.mark.parametrize(("case", "share", "columns"), MOMENTS)
def test_moments(case: str, share: float, columns: int) -> None:
    live, now = at(case, share)
    page = "\n".join(live.lines(now, columns=columns, rows=24, style=Style(color=False, unicode=True))) + "\n"
    kept = GOLDEN / f"live-{case}-{round(share * 100)}-{columns}.txt"
    assert page == kept.read_text("utf-8")


@pytest.mark.parametrize("rows", [4, 6, 10])
@pytest.mark.parametrize(
    "case", ["97b-realistic-fails", "18-three-level", "29-retryon-failfast", "65-same-ids-across"]
)
def test_a_page_fits_and_keeps_running_and_failed_steps(case: str, rows: int) -> None:
    for share in (0.2, 0.5, 0.8, 1.0):
        live, now = at(case, share)
        page = live.lines(now, columns=60, rows=rows, style=Style(color=False, unicode=True))
        assert len(page) <= rows
        assert max(text_width(line) for line in page) <= 60


def test_a_loop_is_one_line_whatever_its_iterations() -> None:
    live, now = at("39-loop-2000", 1.0)
    page = live.lines(now, columns=80, rows=24, style=Style(color=False, unicode=False))
    assert len(page) == 3
    assert "2,000 rounds" in page[1]


def test_a_negative_duration_is_replaced_by_the_measured_one() -> None:
    live = LiveTree("k", 1000)
    live.feed({"event": "step:start", "stepId": "s", "stepName": "S", "type": "code"}, 1000)
    live.feed({"event": "step:complete", "stepId": "s", "status": "success", "durationMs": -2700}, 1300)
    page = "\n".join(live.lines(1300, columns=80, rows=9, style=Style(color=False, unicode=True)))
    assert "300ms" in page
    assert "-2" not in page


def test_a_retry_counts_down_to_its_next_attempt() -> None:
    live = LiveTree("f", 0)
    live.feed({"event": "step:start", "stepId": "s", "type": "code"}, 0)
    live.feed({"event": "step:retry", "stepId": "s", "attempt": 2, "maxRetries": 3, "delayMs": 2000}, 100)

    def row(now: float) -> str:
        return live.lines(now, columns=80, rows=9, style=Style(color=False, unicode=True))[1]

    assert "try 2 of 4 in 1.60s" in row(500)
    assert "try 2 of 4 " in row(2500)
    assert " in " not in row(2500)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event": "step:start"},
        {"event": "step:start", "stepId": 7},
        {"event": "step:complete", "stepId": "never-started", "status": "success"},
        {"event": "step:error", "stepId": None},
        {"event": "step:retry", "stepId": "s", "attempt": "two"},
        {"event": "step:start", "stepId": "\x1b[2J\n" * 500, "type": "\x1b[31m"},
    ],
)
def test_malformed_events_are_ignored(event: dict) -> None:
    live = LiveTree("\x1b]0;x\x07", 0)
    live.feed({"event": "step:start", "stepId": "s", "type": "loop"}, 0)
    live.feed(event, 1)
    page = live.lines(5, columns=60, rows=9, style=Style(color=False, unicode=True))
    assert max(text_width(line) for line in page) <= 60
    assert not any("\x1b" in line or "\n" in line for line in page)


def planned(case: str, share: float) -> tuple[LiveTree, float]:
    log = log_of(case)
    began, ended = log[0][0], log[-1][0]
    now = began + (ended - began) * share
    flows = [json.loads(path.read_text()) for path in (RECORDINGS / case / "flows").rglob("*.json")]
    flow = next(flow for flow in flows if flow["key"] == log[0][1]["flowKey"])
    live = LiveTree(flow["key"], began, plan_of(flow))
    for moment, event in log:
        if moment <= now:
            live.feed(event, moment)
    return live, now


@pytest.mark.parametrize(
    ("case", "share", "columns"),
    [
        ("12-parallel-containers", 0.3, 80),
        ("12-parallel-containers", 1.0, 120),
        ("55-parallel-fail-flow", 0.6, 80),
    ],
)
def test_with_a_plan_branches_are_siblings(case: str, share: float, columns: int) -> None:
    live, now = planned(case, share)
    page = "\n".join(live.lines(now, columns=columns, rows=24, style=Style(color=False, unicode=True))) + "\n"
    kept = GOLDEN / f"live-plan-{case}-{round(share * 100)}-{columns}.txt"
    assert page == kept.read_text("utf-8")


def test_a_malformed_plan_is_ignored() -> None:
    loop = {"id": "a", "type": "parallel", "parallel": {"steps": []}}
    loop["parallel"]["steps"] = [
        {"id": "a", "type": "parallel", "parallel": {"steps": [{"id": "b"}, 3, None]}}
    ]
    live = LiveTree("f", 0, plan_of({"steps": [loop, {"id": 5}, "x"]}))
    live.feed({"event": "step:start", "stepId": "a", "type": "parallel"}, 0)
    live.feed({"event": "step:complete", "stepId": "a", "status": "success"}, 1)
    assert plan_of({}) == plan_of({"steps": 7}) == {}


def test_the_screen_draws_prints_and_clears() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with Screen("my-flow", stream) as screen:
        screen.feed({"event": "step:start", "stepId": "first", "type": "code"})
        screen.say(["the host says [so]"])
    stream.flush()
    text = stream.buffer.getvalue().decode()
    assert "my-flow" in text
    assert "the host says [so]" in text
    assert "\x1b[?25h" in text[text.index("\x1b[?25l") :]
    assert text.endswith("\x1b[2K\r\x1b[?2026l")


def agreed(flow: dict, called: dict[str, dict], log: list[tuple[int, dict]], spans: list[dict]) -> LiveTree:
    """The live tree after `log`, no page of which has contradicted what really happened."""
    flows = {key: plan_of(one) for key, one in called.items()}
    live = LiveTree(flow["key"], log[0][0], plan_of(flow), flows.get)
    for at_ms, event in log:
        live.feed(event, at_ms)
        page = live.lines(at_ms, columns=200, rows=1000, style=Style(color=False, unicode=True))
        assert contradictions(rows(page), spans, over=event is log[-1][1]) == []
    return live


@pytest.mark.program
@pytest.mark.parametrize("seed", range(effort(12, 300)))
def test_nothing_is_claimed_that_the_finished_tree_contradicts(seed: int, tmp_path: Path) -> None:
    """Time-outs, retries, failures, skips, loops, concurrent ones too, branches, sub-flows, stops."""
    made = Maker(Random(seed), problem=seed % 4 != 0, wide=seed % 2 == 0).make()
    options = RunOptions(stop_after=made.stop_after) if made.stop_after else None
    files, truth = run_for_truth(tmp_path, made.flows, "main", behaviour=made.behaviour, options=options)
    lines = [json.loads(line) for line in files.log.read_bytes().split(b"\n") if line]
    log = [(to_ms(line["ts"]) or 0, line) for line in lines]
    agreed(made.flows["main"], made.flows, log, truth["spans"])


def branches(child: dict, status: str) -> list[str]:
    """The row of the only child of a `parallel` that has ended with `status`."""
    step = {
        "id": "both",
        "type": "parallel",
        "parallel": {"steps": [{"id": "news", "type": "code", **child}]},
    }
    live = LiveTree("f", 0, plan_of({"steps": [step]}))
    live.feed({"event": "step:start", "stepId": "both", "type": "parallel"}, 0)
    live.feed({"event": "step:complete", "stepId": "both", "status": status, "durationMs": 9}, 9)
    return live.lines(9, columns=60, rows=9, style=Style(color=False, unicode=True))[-1].split()


@pytest.mark.parametrize(
    ("child", "status", "shown"),
    [
        ({}, "success", "✓"),
        ({"onError": {"strategy": "retry"}}, "success", "✓"),
        ({}, "timeout", "?"),
        ({"if": "$.input.x"}, "success", "?"),
        ({"timeoutMs": 5, "onError": {"strategy": "continue"}}, "success", "?"),
    ],
)
def test_a_branch_is_known_to_have_succeeded_only_if_its_block_needs_it(child, status, shown) -> None:
    row = branches(child, status)
    assert row[1] == shown
    assert row[-1] == ("unknown" if shown == "?" else "code")
