"""`trace explain`: candidates, what was chosen, and what contradicts the other ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from one_trace.answers.explanation import explanation
from one_trace.assemble import assemble
from one_trace.assemble.explained import explain
from one_trace.assemble.reading import weights
from one_trace.model.explanation import Explanation
from one_trace.record.reading import read
from one_trace.view.explanation_page import render_explanation
from one_trace.view.page import Page
from one_trace.view.style import Style
from tests.assemble.recorded import MadeRun, code

TABLE = {name: value for name, value in vars(weights).items() if isinstance(value, weights.Weight)}


def two_at_a_time(project: Path, *, longest_first: bool) -> MadeRun:
    """A loop of two iterations at a time, of which the ends of `a` may be of either."""
    steps = [code("z")] * longest_first + [code("a"), code("b")]
    loop = {"over": [1, 2], "maxConcurrency": 2, "steps": steps}
    made = MadeRun(project).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}])
    made.start("l", "loop")
    if longest_first:
        made.start("z").start("z").end("z", 0).start("a").after(2).end("z", 2).start("a")
    else:
        made.start("a").start("a")
    made.after(5).end("a", 5).start("b").after(3).end("a", 10 if longest_first else 8)
    return made.start("b").after(4).end("b", 7).after(1).end("b", 5).end("l", 15 if longest_first else 13)


def explained(made: MadeRun, *, every: bool = False, step: str | None = None) -> Explanation:
    return explanation(explain(read(made.write())), every=every, step=step)


@pytest.mark.unit
def test_each_weight_has_a_reason_of_its_own() -> None:
    assert len({weight.why for weight in TABLE.values()}) == len(TABLE) > 5
    assert all(" " in weight.why for weight in TABLE.values())
    assert weights.DIFFERS < weights.BAD <= weights.TOO_LATE < weights.LEADS_NOWHERE


def test_each_candidate_of_a_line_says_what_speaks_against_it(tmp_path: Path) -> None:
    (line,) = explained(two_at_a_time(tmp_path, longest_first=True), step="a").lines
    best, other = line.candidates
    assert (line.event, line.path, best.path) == ("step:complete", "made > l[1] > a", "made > l[1] > a")
    assert best.points < weights.BAD <= other.points
    (why,) = other.against
    assert why == f"8: {weights.TOO_LATE.why} (2 ms, at most 0)"


def test_what_was_not_chosen_says_what_it_comes_to(tmp_path: Path) -> None:
    found = explained(two_at_a_time(tmp_path, longest_first=False), step="a")
    (choice,) = [choice for line in found.lines for choice in line.choices]
    (other,) = choice.as_well
    assert {choice.taken, other.way} == {"ends made > l[0] > a", "ends made > l[1] > a"}
    assert other.comes_to == "nothing contradicts that reading either"
    assert found.tried > 1


def test_with_all_each_line_of_a_step_says_which_span_it_is_about(tmp_path: Path) -> None:
    made = two_at_a_time(tmp_path, longest_first=True)
    lines = explained(made, every=True).lines
    paths = {span.path for span in assemble(read(made.write())).trace.spans}
    assert {line.path for line in lines if line.event.startswith("step:")} == paths
    assert [line.after for line in lines if line.step == "b"][:2] == [10, 12]


def test_what_no_flow_file_has_a_place_for_says_so(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")])
    made.start("a").start("x").after(2).end("x", 2).end("a", 2)
    found = explained(made)
    assert found.contradicted == "line 4, step:start x, does not come"
    assert {(line.path, line.how) for line in found.lines} == {
        ("made > x", "nothing leads there: it was placed by the flow files alone")
    }


def test_the_page_is_bounded_and_clean(tmp_path: Path) -> None:
    steps = [code(f"\x1b[31m{number}") for number in range(80)]
    made = MadeRun(tmp_path).flow([])
    for step in steps:
        made.start(step["id"]).end(step["id"])
    page = render_explanation(explained(made), Page(60, Style(color=False, unicode=True)), whole=False)
    assert "\x1b" not in page
    assert page.endswith("110 more lines: add --all.")
