"""Every recorded run: OTLP, a real collector, ``otel_traces``, and the trace document again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from one_trace.assemble import assemble
from one_trace.history import clickhouse
from one_trace.model.trace import Assembly
from one_trace.outbound.otel import otlp_spans
from one_trace.outbound.otel_json import request
from one_trace.outbound.sanitize import SanitizedTrace
from one_trace.record.reading import read
from one_trace.settings.history_url import parse_history
from tests.assemble.recorded import cases, lay_out
from tests.fleet.engine import PASSWORD, Engine, wait_for
from tests.history.otel_road import sanitized, what_survives

pytestmark = pytest.mark.fleet
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def recorded(folder: Path) -> Iterator[Assembly]:
    for case in cases():
        for files in lay_out(case, folder / case):
            yield assemble(read(files))


def body(sent: SanitizedTrace, form: str) -> bytes:
    if form == "json":
        return msgspec.json.encode(request(sent.run, otlp_spans(sent)))
    from one_trace.deliver.otlp_protobuf import encode

    return encode(sent.run, otlp_spans(sent))


@pytest.mark.parametrize(("form", "contexts"), [("x-protobuf", None), ("json", None), ("x-protobuf", {})])
def test_a_run_comes_back_as_it_was(
    engine: Engine, collector: str, tmp_path: Path, form: str, contexts: dict[str, str] | None
) -> None:
    """`contexts`: not None where all runs are children of one caller, and so in one trace."""
    made = {each.trace.run.trace_id: each for each in recorded(tmp_path)}
    with httpx.Client(trust_env=False) as client:
        for each in made.values():
            data = body(sanitized(each, traceparent=CALLER, contexts=contexts), form)
            headers = {"Content-Type": f"application/{form}"}
            assert client.post(f"{collector}/v1/traces", content=data, headers=headers).status_code == 200
    spans = sum(len(each.trace.spans) + 1 for each in made.values())
    count = f"SELECT count() FROM {engine.otel}.otel_traces"
    wait_for(lambda: engine.rows(count) == [[spans]], "all spans to arrive")
    url = parse_history(engine.url + "?secure=0")
    with closing(clickhouse.history_at(url, PASSWORD, lambda folder: None)) as history:
        for trace_id, each in made.items():
            assert history.trace(trace_id) == what_survives(each.trace)
