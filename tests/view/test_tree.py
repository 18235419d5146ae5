"""`trace show` for people: whole pages against kept ones, and what must hold for any trace at any width."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from truths import Maker, big, recorded

from one_trace.model.trace import Cause, Trace, Usage
from one_trace.view.cells import text_width
from one_trace.view.tree import render

GOLDEN = Path(__file__).parent / "golden"
PAGES = [
    ("97b-realistic-fails", 100, True),
    ("97b-realistic-fails", 60, False),
    ("55-parallel-fail-flow", 80, True),
    ("23-timeout-continue", 80, True),
    ("24b-timeout-ghost-after-result", 80, True),
    ("31b-default-retry", 80, False),
    ("07-loop-conc", 120, True),
    ("39-loop-2000", 100, True),
    ("12-parallel-containers", 80, False),
    ("49-resume-failed", 80, True),
    ("48-sigkill", 80, True),
]
HOSTILE = [
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "two\nlines\r\x85\u2028end",
    "a\u202eb\u2066c\u200b\ufeffd",
    "x" * 2000,
    "漢字" * 400,
    "👨‍👩‍👧 family ❤️ " * 30,
    "שלום עולם",
    "\x00\x07\x08\x7f\x9b31m",
    " > [3]#2",
    "",
]


@pytest.mark.parametrize(("case", "columns", "unicode"), PAGES)
def test_pages(case: str, columns: int, unicode: bool, request: pytest.FixtureRequest) -> None:
    page = render(recorded(case), width=columns, color=False, unicode=unicode)
    kept = GOLDEN / f"{case}-{columns}{'' if unicode else '-ascii'}.txt"
    assert page == kept.read_text("utf-8")


def lines_of(trace: Trace, columns: int, **how: bool) -> list[str]:
    return render(trace, width=columns, color=False, **how).split("\n")


@pytest.mark.parametrize("columns", [60, 61, 75, 76, 80, 100, 133, 240])
@pytest.mark.parametrize(
    "case", ["97b-realistic-fails", "18-three-level", "02-linear-unicode", "60-invalid-subflow"]
)
def test_no_line_is_wider_than_the_terminal(case: str, columns: int) -> None:
    for unicode in (True, False):
        assert max(text_width(line) for line in lines_of(recorded(case), columns, unicode=unicode)) <= columns


def hostile(text: str) -> Trace:
    made = Maker()
    outer = made.add(text, 0, 30, name=text, type=text, flow_key=text)
    loop = made.add(text, 1, 20, outer, type="loop", status="error", error=text * 3, error_code=text)
    for number in range(6):
        made.add(text, 2 + number, 1, loop, iteration=number, name=text)
    cause = Cause(span_id=loop.span_id, path=loop.path, error=text, error_code=text, never_ran=[text] * 5)
    spent = Usage(models=[text], input_tokens=12, cost_usd=0.5)
    return made.trace("error", flow_key=text, run_id=text or "r", cause=cause, usage=spent, partial=[text])


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("columns", [60, 100])
@pytest.mark.parametrize("unicode", [True, False])
def test_hostile_names_are_harmless(text: str, columns: int, unicode: bool) -> None:
    page = render(hostile(text), width=columns, color=False, unicode=unicode)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2060-\u206f\u200b-\u200f\ufeff]", page)
    assert max(text_width(line) for line in page.split("\n")) <= columns
    assert page.count("\n") < 60


def test_colour_only_where_it_is_asked_for_and_always_ended() -> None:
    trace = recorded("97b-realistic-fails")
    plain = render(trace, width=100, color=False)
    coloured = render(trace, width=100, color=True)
    assert "\x1b" not in plain
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
    for line in coloured.split("\n"):
        assert line.count("\x1b[0m") * 2 == line.count("\x1b[")


def test_piped_pages_are_ascii() -> None:
    for case in ("97b-realistic-fails", "55-parallel-fail-flow", "39-loop-2000"):
        assert render(recorded(case), width=100, color=False, unicode=False).isascii()


def test_ten_thousand_spans_do_not_scroll_for_ever() -> None:
    trace = big()
    page = lines_of(trace, 80)
    assert len(trace.spans) == 10_000
    assert len(page) < 25
    text = "\n".join(page)
    assert "3,331 alike" in text
    assert "no space left" in text
    assert "retried 2x" in text
    assert len(lines_of(trace, 80, unfold=True)) > 10_000


def test_many_failures_alike_fold_after_the_first_few() -> None:
    made = Maker()
    loop = made.add("each", 0, 900, type="loop")
    for number in range(900):
        made.add("s", number, 1, loop, iteration=number, status="error", error="again")
    text = "\n".join(lines_of(made.trace("error"), 80))
    assert text.count("again") == 5
    assert "[5-899]  895 alike" in text


def test_iterations_each_unlike_the_others_do_not_scroll_either() -> None:
    made = Maker()
    loop = made.add("each", 0, 900, type="loop")
    for number in range(900):
        made.add(f"s{number}", number, 1, loop, iteration=number)
    assert len(lines_of(made.trace(), 80)) < 1000


def test_a_long_list_of_steps_keeps_head_tail_and_what_failed() -> None:
    made = Maker()
    for number in range(500):
        bad = number == 250
        made.add(f"s{number}", number, 1, status="error" if bad else "success", error="boom" if bad else None)
    page = lines_of(made.trace(), 80)
    text = "\n".join(page)
    assert len(page) < 60
    assert all(word in text for word in ("s0 ", "s499 ", "s250 ", "boom", "230 more", "239 more"))


def test_very_deep_nesting_neither_recurses_nor_runs_off_the_page() -> None:
    made = Maker()
    span = None
    for number in range(3000):
        span = made.add(f"d{number}", number, 3000 - number, span, type="flow", path=f"main > d{number}")
    page = lines_of(made.trace(), 60)
    assert max(text_width(line) for line in page) <= 60
    assert any("d2999" in line for line in page)


def test_a_run_without_steps_says_so() -> None:
    assert "no steps to show" in "\n".join(lines_of(recorded("33-missing-input"), 80))


def test_an_llm_step_says_what_it_cost() -> None:
    made = Maker()
    made.add("ask", 0, 10, type="bash", usage=Usage(cost_usd=0.0234))
    assert "ask  $0.0234" in "\n".join(lines_of(made.trace(), 80))


def test_an_attempt_of_a_container_is_a_line_of_its_own() -> None:
    made = Maker()
    loop = made.add("each", 0, 100, type="loop", attempts=2, retries=1)
    made.add("s", 0, 10, loop, iteration=0, status="error", error="once")
    made.add("s", 50, 10, loop, iteration=0, parent_attempt=2)
    text = "\n".join(lines_of(made.trace(), 80))
    assert text.index("attempt 1") < text.index("once") < text.index("attempt 2")
