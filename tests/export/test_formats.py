"""Each form of a run: what it must hold by its own format, and what must not be in it."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from truths import RECORDINGS, Maker, big, recorded

from one_trace.export.formats import FORMATS, in_pieces
from one_trace.model.trace import Session, Span, Trace, Usage

CASES = sorted(path.parent.name for path in RECORDINGS.glob("*/truth.json*"))


def secretive() -> Trace:
    made = Maker()
    made.add("s", 0, 5, status="error", error="password=hunter2", error_code="E_AUTH")
    made.add(
        "llm",
        5,
        9,
        type="bash",
        usage=Usage(
            input_tokens=10, cache_read_tokens=5, output_tokens=7, cost_usd=0.02, turns=2, models=["claude-x"]
        ),
    )
    return made.trace(
        "error", cwd="/home/me/secret-project", session=Session(agent="claude", session_id="abc")
    )


def test_json_is_the_trace_document_and_reads_back() -> None:
    trace = recorded("97b-realistic-fails")
    assert msgspec.json.decode(FORMATS["json"](trace), type=Trace) == trace


def test_events_are_json_lines_in_time_order_without_error_text() -> None:
    data = FORMATS["events"](secretive())
    lines = [json.loads(line) for line in data.split(b"\n") if line]
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    assert lines[0]["event"] == "flow:start"
    assert lines[-1]["event"] == "flow:error"
    assert b"hunter2" not in data


@pytest.mark.parametrize("form", ["json", "events", "perfetto"])
def test_a_form_is_encoded_and_cleaned_as_a_whole(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are encoded one by one and joined are copied twice: there may be 200 MB of them."""
    cleaned = []
    monkeypatch.setattr("one_trace.guard.text.clean_json", lambda data: cleaned.append(data) or data)
    assert FORMATS[form](big(50)) is cleaned[0]
    assert len(cleaned) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_pieces_are_the_same_file(form: str) -> None:
    trace = big(2_000)
    pieces = list(in_pieces(form, trace))
    assert b"".join(pieces) == FORMATS[form](trace)
    assert len(pieces) > 10 or form not in ("events", "otlp"), "of which there may be 200 MB"


@pytest.mark.parametrize("form", ["events", "otlp", "perfetto", "markdown"])
def test_neither_error_text_nor_folders_are_in_what_others_may_read(form: str) -> None:
    data = FORMATS[form](secretive())
    assert b"hunter2" not in data
    assert b"secret-project" not in data
    assert b"E_AUTH" in data


def proto(data: bytes) -> Any:
    """OTLP/JSON through opentelemetry-proto; ids are hex there and base64 in protobuf's own JSON."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    document = json.loads(data)
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for field in ("traceId", "spanId", "parentSpanId"):
            if field in span:
                span[field] = base64.b64encode(bytes.fromhex(span[field])).decode()
    return json_format.ParseDict(document, service.ExportTraceServiceRequest())


@pytest.mark.parametrize("case", CASES)
def test_otlp_parses_and_keeps_ids_times_and_outcomes(case: str) -> None:
    trace = recorded(case)
    request = proto(FORMATS["otlp"](trace))
    root, *spans = request.resource_spans[0].scope_spans[0].spans
    assert [span.span_id.hex() for span in spans] == [span.span_id for span in trace.spans]
    ids = {root.span_id, *(span.span_id for span in spans)}
    assert len(ids) == len(spans) + 1
    for span, ours in zip(spans, trace.spans, strict=True):
        assert span.trace_id.hex() == trace.run.trace_id
        assert span.parent_span_id in ids
        assert span.end_time_unix_nano >= span.start_time_unix_nano > 0
        assert (span.status.code == 2) == (ours.status in ("error", "timeout"))
        if ours.duration_ms is not None:
            took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
            assert took == pytest.approx(ours.duration_ms, abs=1e-3)


def test_otlp_tells_llm_steps_in_gen_ai_words() -> None:
    llm = proto(FORMATS["otlp"](secretive())).resource_spans[0].scope_spans[0].spans[2]
    reported = {item.key: item.value for item in llm.attributes}
    assert reported["gen_ai.usage.input_tokens"].int_value == 15
    assert reported["gen_ai.usage.output_tokens"].int_value == 7
    assert reported["gen_ai.response.model"].string_value == "claude-x"
    assert reported["gen_ai.provider.name"].string_value == "anthropic"
    assert reported["one.usage.cost_usd"].double_value == 0.02


def test_exports_are_stable() -> None:
    for form, export in FORMATS.items():
        assert export(recorded("18-three-level")) == export(recorded("18-three-level")), form


def slices_nest(trace: Trace) -> list[dict[str, Any]]:
    events = json.loads(FORMATS["perfetto"](trace))["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    tracks: dict[int, list[dict[str, Any]]] = {}
    for event in slices:
        assert set(event) >= {"name", "cat", "ph", "ts", "dur", "pid", "tid", "args"}
        assert isinstance(event["ts"], int)
        assert isinstance(event["dur"], int)
        assert event["ts"] >= 0
        assert event["dur"] >= 0
        tracks.setdefault(event["tid"], []).append(event)
    for track in tracks.values():
        ends: list[int] = []
        for event in sorted(track, key=lambda event: (event["ts"], -event["dur"])):
            start, end = event["ts"], event["ts"] + event["dur"]
            while ends and ends[-1] <= start and end > ends[-1]:
                ends.pop()
            assert not ends or end <= ends[-1], (event, ends)
            ends.append(end)
    named = {event["tid"] for event in events if event["name"] == "thread_name"}
    assert named >= set(tracks)
    return slices


@pytest.mark.parametrize("case", CASES)
def test_perfetto_slices_nest(case: str) -> None:
    trace = recorded(case)
    assert len(slices_nest(trace)) == sum(span.status != "skipped" for span in trace.spans)


def test_perfetto_draws_concurrent_branches_on_tracks_of_their_own() -> None:
    events = json.loads(FORMATS["perfetto"](recorded("12-parallel-containers")))["traceEvents"]
    names = [event["args"]["name"] for event in events if event["name"] == "thread_name"]
    assert names == ["main", "fan (2)", "fan (3)", "fan (4)"]


@st.composite
def wild(draw: st.DrawFn) -> Trace:
    made = Maker()
    spans: list[Span] = []
    for at in range(draw(st.integers(1, 25))):
        parent = draw(st.sampled_from([None, *spans])) if spans else None
        took = draw(st.none() | st.integers(0, 60))
        status = "incomplete" if took is None else "success"
        late = draw(st.booleans())
        spans.append(made.add(f"s{at}", draw(st.integers(0, 90)), took, parent, status=status, late=late))
    return made.trace()


@given(wild())
def test_perfetto_slices_nest_whatever_overlaps(trace: Trace) -> None:
    assert len(slices_nest(trace)) == len(trace.spans)


def uneven() -> Trace:
    """2,000 spans of which no two times and sizes are alike."""
    chance = random.Random(3)
    made = Maker()
    loop = made.add("each", 0, 900_000.0, type="loop")
    for number in range(666):
        at = number * 1300 + chance.randrange(300)
        call = made.add("call", at, chance.randrange(600, 900), loop, type="flow", iteration=number)
        for step in ("fetch", "store"):
            took = chance.randrange(5, 500)
            made.add(step, at + chance.randrange(5, 90), took, call, output_bytes=chance.randrange(9, 40_000))
    return made.trace()


def test_html_of_two_thousand_spans_is_small() -> None:
    for trace in (recorded("39-loop-2000"), big(667), uneven()):
        assert len(FORMATS["html"](trace)) < 110_000


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--<script>", "{{style}}", "&lt;b&gt;", "]]>"]
)
def test_nothing_of_a_run_becomes_markup(text: str) -> None:
    made = Maker(text)
    made.add(text, 0, 1, name=text, type=text, status="error", error=text, error_code=text)
    page = FORMATS["html"](made.trace("error", run_id=text, partial=[text])).decode()
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert page.count("<style>") == 1
    data = page.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert "<" not in data
    assert json.loads(data)["steps"][0][0] == text


def test_html_asks_for_nothing_from_outside() -> None:
    page = FORMATS["html"](recorded("18-three-level")).decode()
    assert "default-src 'none'" in page
    assert "unsafe-inline" not in page
    for word in ("http://", "https://", "@import", "fetch(", "XMLHttpRequest", "innerHTML", "eval("):
        assert word not in page.replace("http://www.w3.org/2000/svg", ""), word
