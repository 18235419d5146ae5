"""`trace explain`: what was weighed and chosen at each line of a log."""

from __future__ import annotations

from pathlib import Path

from one_trace.answers.explanation import explanation
from one_trace.assemble import assemble, explain
from one_trace.model.explanation import Explanation
from one_trace.record.reading import read
from one_trace.view.explanation_page import render_explanation
from one_trace.view.page import Page
from one_trace.view.style import Style
from tests.assemble.recorded import MadeRun, code


def a_block_of_two_loops(project: Path) -> MadeRun:
    """Two loops, each of two iterations at a time, of which the ends of `a` may be of any."""
    steps = [code("a"), code("b")]
    loop = {"over": [1, 2], "maxConcurrency": 2, "steps": steps}
    made = MadeRun(project).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}])
    made.start("l", "loop").start("a").after(2).start("a").after(5).end("a", 5).start("b").after(3).end(
        "a", 10
    )
    return made.start("b").after(4).end("b", 7).after(1).end("b", 5).end("l", 15)


def explained(made: MadeRun, *, every: bool = False, step: str | None = None) -> Explanation:
    return explanation(explain(read(made.write())), every=every, step=step)


def test_each_candidate_of_a_line_says_what_speaks_against_it(tmp_path: Path) -> None:
    found = explained(a_block_of_two_loops(tmp_path), step="a")
    (line,) = [line for line in found.lines if len(line.candidates) > 1]
    best, other = line.candidates
    assert (line.event, line.path, best.path) == ("step:complete", "made > l[1] > a", "made > l[1] > a")
    assert (best.points, other.points) == (0, 250)
    assert other.against == ["250: its start and the duration give an earlier end than a line can be late"]


def test_with_all_each_line_of_a_step_says_which_span_it_is_about(tmp_path: Path) -> None:
    made = a_block_of_two_loops(tmp_path)
    lines = explained(made, every=True).lines
    paths = {span.path for span in assemble(read(made.write())).trace.spans}
    assert {line.path for line in lines if line.event.startswith("step:")} == paths


def test_what_no_flow_file_has_a_place_for_says_so(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")])
    made.start("a").start("x").after(2).end("x", 2).end("a", 2)
    (line,) = explained(made).lines
    assert (line.path, line.how) == ("made > x", "the flow files have no place for it")


def test_the_page_is_bounded_and_clean(tmp_path: Path) -> None:
    steps = [code(f"\x1b[31m{number}") for number in range(80)]
    made = MadeRun(tmp_path).flow([])
    for step in steps:
        made.start(step["id"]).end(step["id"])
    found = explained(made)
    assert len(found.lines) == 80
    page = render_explanation(found, Page(60, Style(color=False, unicode=True)), whole=False)
    assert "\x1b" not in page
    assert page.endswith("30 more lines: add --all.")
