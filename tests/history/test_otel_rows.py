"""A run that was sent by OTLP is made of what arrived again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import USAGE, assembly, loop, span

from one_trace.assemble import assemble
from one_trace.history.otel_rows import NO_RUN, parted_usage_of, planned_of, trace_of
from one_trace.model.times import to_iso
from one_trace.model.trace import (
    SPAN_STATUSES,
    Assembly,
    Cause,
    Counts,
    Exit,
    ModelUsage,
    PlannedStep,
    Session,
    Span,
    Usage,
)
from one_trace.record.reading import read
from tests.assemble.recorded import cases, lay_out
from tests.history.otel_road import rows, sanitized, what_survives


@pytest.mark.parametrize("case", cases())
def test_a_recorded_run_comes_back_as_it_was(case: str, tmp_path: Path) -> None:
    for files in lay_out(case, tmp_path):
        made = assemble(read(files))
        assert trace_of(rows(sanitized(made))) == what_survives(made.trace)


NUMBERS = st.integers(0, 2**70) | st.sampled_from([0, 1, 2**53 + 1, 2**63])
MS = st.integers(-5, 10_000) | st.floats(-1.0, 1e18) | st.sampled_from([0.1, 1 / 3, 12.000001, 1e300])
TEXT = st.text(max_size=8)
NAMES = st.text(st.characters(exclude_characters="\n,", exclude_categories=["Cs"]), min_size=1, max_size=8)
CODES = st.from_regex(r"[A-Z][A-Z_0-9]{0,9}", fullmatch=True)
COSTS = st.none() | st.floats(0, 1e9)
TIMES = st.integers(-(10**14), 10**15).map(to_iso) | st.sampled_from(
    ["", "yesterday", "2026-01-01T00:00:00Z"]
)
USAGES = st.builds(
    Usage,
    **dict.fromkeys(
        ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "turns"), NUMBERS
    ),
    cost_usd=COSTS,
    models=st.lists(CODES, max_size=2),
    sessions=st.lists(CODES, max_size=2),
)


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    found: list[Span] = []
    for number in range(draw(st.integers(0, 4))):
        found.append(
            Span(
                span_id=f"{number + 1:016x}",
                parent_span_id=draw(st.sampled_from([None, *(each.span_id for each in found)])),
                step_id=draw(TEXT),
                name=draw(TEXT),
                type=draw(TEXT),
                flow_key=draw(st.sampled_from(["main", "", "é\u2028"])),
                path=draw(TEXT),
                iteration=draw(st.none() | NUMBERS),
                branch=draw(st.sampled_from([None, "then", "else"])),
                index=draw(st.none() | NUMBERS),
                parent_attempt=draw(st.none() | NUMBERS),
                attempts=draw(NUMBERS),
                retries=draw(NUMBERS),
                status=draw(st.sampled_from(SPAN_STATUSES)),
                started_at=draw(TIMES),
                start_ms=draw(MS),
                duration_ms=draw(st.none() | MS),
                input_bytes=draw(st.none() | NUMBERS),
                output_bytes=draw(st.none() | NUMBERS),
                error_code=draw(st.none() | CODES),
                late=draw(st.booleans()),
                derived=draw(st.lists(NAMES, max_size=2)),
                usage=draw(st.none() | USAGES),
            )
        )
    return found


CAUSES = st.builds(
    Cause,
    span_id=st.none() | st.just(f"{1:016x}"),
    path=TEXT,
    step_id=st.none() | TEXT,
    error_code=st.none() | CODES,
    error_class=st.none() | CODES,
    attempts=NUMBERS,
    still_running=st.lists(NAMES, max_size=3),
    never_ran=st.lists(NAMES, max_size=3),
    derived=st.lists(NAMES, max_size=2),
)


@st.composite
def runs(draw: st.DrawFn) -> Assembly:
    every = draw(spans())
    counts = {name: draw(NUMBERS) for name in Counts.__struct_fields__}
    return assembly(
        spans=every,
        status=draw(st.sampled_from(["success", "error", "stopped", "incomplete"])),
        started_at=draw(TIMES),
        ended_at=draw(st.none() | TIMES),
        duration_ms=draw(st.none() | MS),
        exit=draw(st.none() | st.builds(Exit, code=NUMBERS, signal=st.none() | CODES, duration_ms=NUMBERS)),
        input_bytes=draw(st.none() | NUMBERS),
        counts=Counts(**counts | {"spans": len(every)}),
        usage=draw(st.none() | USAGES),
        session=draw(st.none() | st.builds(Session, agent=st.none() | CODES, session_id=CODES)),
        parent_run_id=draw(st.none() | CODES),
        tags=draw(st.dictionaries(CODES, st.from_regex(r"[ -~é]{1,9}", fullmatch=True), max_size=2)),
        cause=draw(st.none() | CAUSES),
        partial=draw(st.sampled_from([[], ["torn"]])),
    )


@given(runs())
def test_any_run_comes_back_as_it_was(made: Assembly) -> None:
    assert trace_of(rows(sanitized(made))) == what_survives(made.trace)


def test_a_run_in_the_callers_trace_comes_back_as_it_was() -> None:
    made, caller = assembly(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    arrived = rows(sanitized(made, traceparent=caller, contexts={}))
    assert {row.trace_id for row in arrived} == {caller[3:35]}
    assert trace_of(arrived) == what_survives(made.trace)


def test_error_text_comes_back_where_it_is_sent() -> None:
    failed = span("x", status="error", error="it broke", error_code="E")
    made = assembly(
        spans=[failed],
        status="error",
        cause=Cause(span_id=failed.span_id, path=failed.path, error="it broke"),
    )
    assert trace_of(rows(sanitized(made, redact=str))) == what_survives(made.trace, errors=True)


def test_what_is_not_in_the_document_arrives_too() -> None:
    each = span("each", type="loop", attempts=2, retries=1)
    asked = [span("ask", each, parent_attempt=number, usage=USAGE) for number in (1, 2)]
    made = assembly(spans=[each, *asked])
    made.plan = [PlannedStep(path="my-flow > each", type="loop", flow_key="my-flow", reads=["é"])]
    made.step_timeouts = {"my-flow > each": 1500.0}
    made.model_parts = {asked[0].span_id: {"big": ModelUsage(input_tokens=3, cost_usd=0.5)}}
    root, sent, first, second = (row.attributes for row in rows(sanitized(made)))
    assert planned_of(root) == {step.path: step for step in made.plan}
    assert root["one.flow.steps"] == "my-flow > first\nmy-flow > second"
    assert float(sent["one.step.timeout_ms"]) == 1500
    assert parted_usage_of(first).per_model == made.model_parts[asked[0].span_id]
    assert (first.get("one.step.superseded"), second.get("one.step.superseded")) == ("true", None)
    # The second call ran when the first did.
    assert (first.get("one.step.overlap_ms"), second.get("one.step.overlap_ms")) == (None, "10")


def test_what_is_too_long_for_an_attribute_is_left_out() -> None:
    made = assembly()
    paths = [f"my-flow > {number} {'é' * 500}" for number in range(40)]
    made.static_paths, made.trace.run.status = paths, "error"
    made.plan = [PlannedStep(path=path, type="code", flow_key="my-flow") for path in paths]
    made.trace.run.cause = Cause(path="my-flow", never_ran=paths)
    arrived = rows(sanitized(made))
    assert not {"one.flow.steps", "one.flow.plan"} & set(arrived[0].attributes)
    assert trace_of(arrived).run.cause.never_ran == paths[:16]


def test_rows_that_came_twice_or_late_or_not_at_all() -> None:
    made = loop(3)
    old, new = (rows(sanitized(made, revision=number)) for number in (7, 8))
    whole = what_survives(made.trace)
    assert trace_of([*reversed(new), *new, *old]) == whole
    lost = trace_of([*old, *new[:1], *new[2:4]])
    assert [each.step_id for each in lost.spans] == ["step", "step"]
    assert {each.parent_span_id for each in lost.spans} == {None}
    assert lost.run.partial == ["2 of 4 spans have not arrived"]
    rootless = trace_of(new[1:])
    assert (rootless.run.run_id, rootless.run.status, len(rootless.spans)) == (
        whole.run.run_id,
        "incomplete",
        4,
    )
    assert rootless.run.partial == [NO_RUN]


@pytest.mark.parametrize(
    ("nonsense", "why"),
    [
        ({"one.run.status": "fine"}, "none of success"),
        ({"one.run.steps": "many"}, "invalid literal"),
        ({"one.run.exit_code": "9" * 5000}, "limit"),
    ],
)
def test_nonsense_is_a_value_error(nonsense: dict[str, Any], why: str) -> None:
    root, *steps = rows(sanitized(assembly()))
    with pytest.raises(ValueError, match=why):
        trace_of([root._replace(attributes={**root.attributes, **nonsense}), *steps])


def test_rows_without_a_run_are_a_value_error() -> None:
    bare = rows(sanitized(assembly()))[1]._replace(resource={})
    for arrived, why in (([], "no span of a run"), ([bare], "cicd.pipeline.name")):
        with pytest.raises(ValueError, match=why):
            trace_of(arrived)
