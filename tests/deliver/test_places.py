"""Each run is sent where its own project says, with links to its caller."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from machine import Machine
from made import assembly, span
from traces_server import FakeTracesServer, Handler, fake_traces_server

from one_trace.capture.lineage import session_of, traceparent_of
from one_trace.deliver.project import project_of
from one_trace.outbound.otel import otlp_spans
from one_trace.outbound.otel_attributes import of_resource
from one_trace.outbound.payload import Project
from one_trace.outbound.sanitize import OtlpFacts, sanitize
from one_trace.store import Store

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
RUN = ("--agent", "flow", "execute", "x", "--trace")


def project(machine: Machine, name: str, settings: str) -> Path:
    folder = machine.root / name
    machine.write(folder / ".one" / "traces.toml", f"[traces]\n{settings}\n")
    return folder


def sent(traces_server: FakeTracesServer, note: dict) -> dict:
    (found,) = [
        put for trace, put in traces_server.traces.items() if trace.replace("-", "") == note["traceId"]
    ]
    return found


def test_a_queued_run_is_sent_with_the_settings_of_its_project(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    theirs = project(sending, "theirs", 'namespace = "@my-org"\nvisibility = "direct"')
    mine = project(sending, "mine", 'namespace = "@me"')
    traces_server.fault = lambda request: request.refuse(503, "later") or True
    first = sending.one(*RUN, cwd=mine, env={"ONE_TRACES_FLUSH_TIMEOUT": "0.3"}).saved
    assert first["uploads"][0]["state"] == "queued"
    traces_server.fault = None
    second = sending.one(*RUN, cwd=theirs, env={"ONE_TRACES_FLUSH_TIMEOUT": "30"}).saved
    targets = [
        (sent(traces_server, note)["targetNamespaceId"], sent(traces_server, note)["visibility"])
        for note in (first, second)
    ]
    assert targets == [("ns2", "private"), ("ns1", "direct")]


def test_a_manual_project_is_not_sent_by_runs_of_others(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    quiet = project(sending, "quiet", 'upload = "manual"')
    held = sending.one(*RUN, cwd=quiet).saved
    assert held["uploads"] == []
    sending.one(*RUN, env={"ONE_TRACES_FLUSH_TIMEOUT": "30"})
    assert len(traces_server.traces) == 1
    traces_server.fault = lambda request: request.refuse(400, "no") or True
    assert sending.one("--agent", "trace", "sync").document["queued"] == 1
    traces_server.fault = None
    sending.one(*RUN, env={"ONE_TRACES_FLUSH_TIMEOUT": "30"})
    assert len(traces_server.traces) == 2, "one that failed when it was asked for still waits to be asked for"
    assert sending.one("--agent", "trace", "sync").document["sent"] == 1
    assert sent(traces_server, held)["visibility"] == "private"


def test_one_broken_run_does_not_hold_up_the_others(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    with Store(sending.data / "traces.db") as store:
        store.save(assembly("00000000000a"), sinks=["traces.com"])
        store.save(assembly("00000000000b"), sinks=["traces.com"])
        store.connection.execute("UPDATE runs SET trace_id = 'none' WHERE run_id = '00000000000a'")
    done = sending.one("--agent", "trace", "sync")
    assert (done.code, done.document["sent"], done.document["queued"]) == (1, 1, 1)
    assert "ValueError" in done.document["error"]["message"]


def test_an_empty_answer_is_no_delivery(sending: Machine, traces_server: FakeTracesServer) -> None:
    traces_server.fault = lambda request: request.answer(200, {}) or True
    with Store(sending.data / "traces.db") as store:
        store.save(assembly(), sinks=["traces.com"])
    done = sending.one("--agent", "trace", "sync")
    assert (done.code, done.document["error"]["code"]) == (1, "rejected")


def test_plain_http_to_loopback_uses_no_proxy(sending: Machine, traces_server: FakeTracesServer) -> None:
    with Store(sending.data / "traces.db") as store, fake_traces_server() as proxy:
        store.save(assembly(), sinks=["traces.com"])
        odd = {
            "ONE_TRACES_ENDPOINT": traces_server.url.replace("127.0.0.1", "127.1"),
            "http_proxy": proxy.url,
        }
        assert sending.one("trace", "sync", env=odd).code == 0
        assert proxy.seen == []


def test_an_unreadable_project_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def shut(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", shut)
    assert project_of("/home/somebody/shut", 0) == Project()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (CALLER, CALLER),
        (f" {CALLER} ", CALLER),
        (CALLER.replace("00-", "cc-", 1) + "-later", CALLER.replace("00-", "cc-", 1)),
        (f"{CALLER}-more", None),
        (CALLER.replace("00-", "ff-", 1), None),
        (CALLER.upper(), None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", None),
        ("garbage", None),
        ("", None),
    ],
)
def test_only_a_valid_traceparent_is_accepted(given: str, kept: str | None) -> None:
    assert traceparent_of({"TRACEPARENT": given}) == kept
    assert traceparent_of({}) is None


def test_the_root_span_links_to_caller_parent_and_children() -> None:
    made = assembly(spans=[span("x")])
    sanitized = sanitize(
        made.trace, traceparent=CALLER, parent_trace_id="ab" * 16, child_trace_ids=["cd" * 16]
    )
    root, step = otlp_spans(sanitized)
    assert [(link.trace_id, link.span_id, link.flags) for link in root.links] == [
        ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 0x301),
        ("ab" * 16, "ab" * 8, 0x301),
        ("cd" * 16, "cd" * 8, 0x301),
    ]
    assert root.trace_id == step.trace_id == made.trace.run.trace_id
    assert not otlp_spans(sanitize(made.trace))[0].links


def test_a_run_is_a_child_of_its_caller_where_that_is_set() -> None:
    made = assembly(spans=[span("x")])
    run, own = made.trace.run, made.trace.run.trace_id
    relatives = {"parent_trace_id": "ab" * 16, "child_trace_ids": ["cd" * 16]}
    facts = OtlpFacts(contexts={"cd" * 16: CALLER})
    sanitized = sanitize(made.trace, traceparent=CALLER, facts=facts, **relatives)
    root, step = otlp_spans(sanitized)
    assert (root.trace_id, root.parent_span_id) == (CALLER[3:35], CALLER[36:52])
    assert (step.trace_id, step.parent_span_id) == (CALLER[3:35], root.span_id)
    assert root.span_id == own[16:]
    links = [(link.trace_id, link.span_id) for link in root.links]
    assert links == [("ab" * 16, "ab" * 8), (CALLER[3:35], "cd" * 8)], "each where it was sent"
    assert of_resource(sanitized.run)["one.run.trace_id"] == own
    alone = sanitize(made.trace, facts=facts)
    assert otlp_spans(alone)[0].trace_id == run.trace_id
    assert of_resource(alone.run)["one.run.trace_id"] is None


def test_the_agent_comes_from_the_variable_of_the_services_client() -> None:
    env = {"TRACES_CURRENT_TRACE_ID": "t", "TRACES_CURRENT_AGENT": "codex", "TRACES_CURRENT_TRACE_AGENT": "x"}
    assert session_of(env) == ("codex", "t")


def test_a_traced_run_passes_the_traceparent_on(machine: Machine) -> None:
    pb = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    machine.player("02-linear-unicode")
    got: list[bytes] = []

    def collect(request: Handler) -> bool:
        got.append(request.body)
        request.raw(200, b"", "application/x-protobuf")
        return True

    with fake_traces_server() as server:
        server.fault = collect
        machine.env |= {"ONE_TRACES_SINKS": "otlp", "ONE_TRACES_OTLP_ENDPOINT": server.url}
        machine.one(*RUN, env={"TRACEPARENT": CALLER, "ONE_TRACES_FLUSH_TIMEOUT": "30"})
    (state,) = (machine.project / ".one/flows/.runs").iterdir()
    assert json.loads(state.read_bytes())["context"]["env"]["TRACEPARENT"] == CALLER
    root = pb.ExportTraceServiceRequest.FromString(got[0]).resource_spans[0].scope_spans[0].spans[0]
    (link,) = root.links
    assert (link.trace_id.hex(), link.span_id.hex(), link.flags) == (CALLER[3:35], CALLER[36:52], 0x301)
    as_child = machine.one("trace", "export", "--format", "otlp", env={"ONE_TRACES_PARENT": "child"})
    child = as_child.document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert (child["traceId"], child["parentSpanId"]) == (CALLER[3:35], CALLER[36:52])
