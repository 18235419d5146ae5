from __future__ import annotations

import pytest
from msgspec import structs
from truths import big, recorded

from one_trace.errors import CliError
from one_trace.model.tree import static_paths
from one_trace.outbound.events import event_lines
from one_trace.view import pick
from one_trace.view.cells import text_width
from one_trace.view.event_list import render_events
from one_trace.view.slow import render_slow, slow
from one_trace.view.tree import render


def test_failed_keeps_what_failed_and_the_way_to_it() -> None:
    trace = pick.failed(recorded("97b-realistic-fails"))
    assert [span.path for span in trace.spans] == [
        "daily-digest > process",
        "daily-digest > process[3] > known",
        "daily-digest > process[3] > known > summarise",
        "daily-digest > store",
    ]


def test_failed_of_a_run_that_went_well_is_empty() -> None:
    assert pick.failed(recorded("01-transform")).spans == []


@pytest.mark.parametrize("ref", ["summarise", "daily-digest > process > known > summarise"])
def test_step_by_id_and_by_place(ref: str) -> None:
    _, named = pick.step(recorded("97b-realistic-fails"), ref)
    assert [span.path for span in named] == [
        f"daily-digest > process[{number}] > known > summarise" for number in (0, 1, 3)
    ]


def test_step_by_path_with_all_that_is_in_it() -> None:
    trace, named = pick.step(recorded("97b-realistic-fails"), "daily-digest > process[2] > known")
    assert len(named) == 1
    assert [span.step_id for span in trace.spans] == ["process", "known", "skipit"]
    page = render(trace, width=80, color=False, detail=named)
    assert "path          daily-digest > process[2] > known" in page
    assert "self time     1ms" in page


def test_no_such_step_names_the_nearest() -> None:
    with pytest.raises(CliError, match="no step 'sumarise'") as caught:
        pick.step(recorded("97b-realistic-fails"), "sumarise")
    assert caught.value.code == "no-such-step"
    assert caught.value.hint == "Nearest: 'summarise'."


def test_depth_counts_what_it_hides() -> None:
    trace, hidden = pick.depth(recorded("97b-realistic-fails"), 1)
    assert [span.step_id for span in trace.spans] == ["fetch", "pick", "process", "store"]
    assert list(hidden.values()) == [11]
    trace, hidden = pick.depth(recorded("97b-realistic-fails"), 2)
    assert sum(hidden.values()) == 7


def test_a_static_path_has_no_iterations_and_attempts() -> None:
    spans = recorded("01-transform").spans[:1] * 3
    spans = [
        structs.replace(span, path="not read", step_id=step_id, span_id=step_id, parent_span_id=parent)
        for span, (step_id, parent) in zip(spans, [("each", None), ("a", "each"), ("b[0]", "a")], strict=True)
    ]
    assert static_paths("main", spans) == {
        "each": "main > each",
        "a": "main > each > a",
        "b[0]": "main > each > a > b[0]",
    }


def test_slow_adds_up_and_ranks_by_self_time() -> None:
    reported = slow(recorded("97b-realistic-fails"), 3)
    assert [span.path.split(" > ")[-1] for span in reported.slowest] == ["fetch", "summarise", "summarise"]
    assert sum(place.ms for place in reported.critical_path) == pytest.approx(369)
    assert sum(place.share for place in reported.critical_path) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("columns", [60, 100])
def test_slow_and_events_fit_the_terminal(columns: int) -> None:
    for trace in (recorded("97b-realistic-fails"), big(20)):
        page = render_slow(slow(trace, 5), width=columns, color=False)
        page += render_events(trace.run, event_lines(trace), width=columns, color=False)
        assert max(text_width(line) for line in page.split("\n")) <= columns


def test_slow_folds_iterations_into_one_place() -> None:
    reported = slow(big(), 2)
    assert {place.path: place.spans for place in reported.critical_path}["main > each > call > store"] == 3333
