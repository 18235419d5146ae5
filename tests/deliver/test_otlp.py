from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator

import msgspec
import pytest
from machine import Machine
from made import USAGE, assembly, loop, span
from traces_server import Handler, fake_traces_server

from one_trace.deliver.otlp import Otlp, _timeout_s
from one_trace.deliver.otlp_resource import user_attributes
from one_trace.outbound.otel import otlp_spans
from one_trace.outbound.otel_json import request
from one_trace.outbound.sanitize import sanitize
from one_trace.store import Store

pb = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")


class Collector:
    """The requests that an OTLP collector got, and their spans by id."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.spans: dict[bytes, object] = {}
        self.sizes: list[int] = []
        self.refuse: list[int] = []
        self.refuse_from = 0
        """The number of the first request that is refused."""
        self.resource: object = None

    def __call__(self, request: Handler) -> bool:
        self.requests.append((request.path, dict(request.headers)))
        if self.refuse and len(self.requests) >= self.refuse_from:
            request.raw(self.refuse.pop(0), b"", "text/plain")
            return True
        packed = request.headers.get("Content-Encoding") == "gzip"
        message = pb.ExportTraceServiceRequest.FromString(
            gzip.decompress(request.body) if packed else request.body
        )
        (of_resource,) = message.resource_spans
        (of_scope,) = of_resource.scope_spans
        self.resource = of_resource.resource
        self.sizes.append(len(of_scope.spans))
        self.spans |= {each.span_id: each for each in of_scope.spans}
        request.raw(200, b"", "application/x-protobuf")
        return True

    def attributes(self, name: str) -> dict[str, object]:
        (span,) = [each for each in self.spans.values() if each.name == name]
        return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


@pytest.fixture
def collector(machine: Machine) -> Iterator[Collector]:
    with fake_traces_server() as server:
        server.fault = collector = Collector()
        machine.env |= {"ONE_TRACES_SINKS": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": server.url}
        yield collector


def test_a_run_is_sent_as_a_tree_of_spans(machine: Machine, collector: Collector) -> None:
    outer = span("outer", type="loop")
    llm = span("ask", outer, iteration=0, usage=USAGE, status="error", error_code="E1", error="hush")
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(spans=[outer, llm], status="error"), sinks=["otlp"])
    assert machine.one("trace", "sync").code == 0
    root = bytes.fromhex(f"{10:016x}")
    parents = {each.name: each.parent_span_id for each in collector.spans.values()}
    assert parents == {"my-flow": b"", "outer": root, "ask": bytes.fromhex(outer.span_id)}
    attributes = collector.attributes("ask")
    assert attributes["gen_ai.response.model"] == "claude-sonnet-4"
    assert attributes["gen_ai.usage.output_tokens"] == 5
    assert attributes["error.type"] == "E1"
    assert "hush" not in str(collector.spans)
    assert collector.requests[0][0] == "/v1/traces"


def test_spans_are_sent_in_batches_which_413_halves(machine: Machine, collector: Collector) -> None:
    collector.refuse = [413]
    with Store(machine.data / "traces.db") as store:
        store.save(loop(1100), sinks=["otlp"])
    assert machine.one("trace", "sync").code == 0
    assert len(collector.spans) == 1102
    assert collector.sizes == [256, 256, 512, 78]


def test_the_standard_variables_apply(machine: Machine, collector: Collector) -> None:
    url = machine.env.pop("OTEL_EXPORTER_OTLP_ENDPOINT")
    machine.env |= {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{url}/custom",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-team=blue%20sky,authorization=Bearer t",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(), sinks=["otlp"])
    assert machine.one("trace", "sync").code == 0
    ((path, headers),) = collector.requests
    headers = {name.lower(): value for name, value in headers.items()}
    assert path == "/custom"
    assert (headers["x-team"], headers["authorization"]) == ("blue sky", "Bearer t")
    assert headers["content-encoding"] == "gzip"
    assert len(collector.spans) == 3


def test_the_standard_timeout_applies(machine: Machine, collector: Collector) -> None:
    assert [_timeout_s(text) for text in ("250", "", "10s", "0", "-1", "900000")] == [
        0.25,
        None,
        None,
        None,
        None,
        45,
    ]
    otlp = Otlp(
        None, machine.env | {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "100", "OTEL_EXPORTER_OTLP_TIMEOUT": "9"}
    )
    assert otlp.server().timeout_s == 0.1


def test_a_header_repeated_by_the_collector_is_not_stored(machine: Machine, collector: Collector) -> None:
    def repeat(request: Handler) -> bool:
        request.refuse(400, f"bad {request.headers['authorization']}")
        return True

    machine.env["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=Bearer%20hush-hush"
    with fake_traces_server() as server, Store(machine.data / "traces.db") as store:
        server.fault = repeat
        store.save(assembly(), sinks=["otlp"])
        done = machine.one("--agent", "trace", "sync", env={"OTEL_EXPORTER_OTLP_ENDPOINT": server.url})
        assert "[key]" in done.document["error"]["message"]
        assert "hush" not in str(store.uploads("00000000000a"))


def test_a_traced_run_is_delivered_to_a_collector(machine: Machine, collector: Collector) -> None:
    machine.player("14-subflow")
    done = machine.one("--agent", "flow", "execute", "x", "--trace")
    assert done.saved["uploads"] == [{"sink": "otlp", "state": "sent", "url": None}]
    assert len(collector.spans) == done.saved["spans"] + 1


def test_no_package_of_opentelemetry_is_needed(machine: Machine, collector: Collector) -> None:
    for package in ("opentelemetry", "google"):
        machine.write(machine.root / "without" / package / "__init__.py", "raise ImportError")
    machine.env["PYTHONPATH"] = f"{machine.root / 'without'}:{machine.env['PYTHONPATH']}"
    machine.player("14-subflow")
    done = machine.one("--agent", "flow", "execute", "x", "--trace")
    assert done.saved["uploads"] == [{"sink": "otlp", "state": "sent", "url": None}]
    assert len(collector.spans) == done.saved["spans"] + 1


def test_the_export_file_is_what_the_sink_sends() -> None:
    from one_trace.deliver.otlp_protobuf import encode

    json_format = pytest.importorskip("google.protobuf.json_format")
    failed = span("x", status="error", error_code="E", usage=USAGE, output_bytes=2**40)
    sanitized = sanitize(assembly(spans=[failed, span("y", failed)], status="error").trace)
    spans = otlp_spans(sanitized)
    document = json.loads(msgspec.json.encode(request(sanitized.run, spans)))
    for each in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in {"traceId", "spanId", "parentSpanId"} & set(each):
            # OTLP/JSON writes ids in hex, protobuf's own JSON in base64.
            each[name] = base64.b64encode(bytes.fromhex(each[name])).decode()
    exported = json_format.ParseDict(document, pb.ExportTraceServiceRequest())
    assert exported == pb.ExportTraceServiceRequest.FromString(encode(sanitized.run, spans))


def test_grpc_is_reported_as_unsupported(machine: Machine, collector: Collector) -> None:
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(), sinks=["otlp"])
    machine.env["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
    done = machine.one("--agent", "trace", "sync")
    assert done.code == 2
    assert "speaks HTTP" in done.document["error"]["message"]
    assert collector.requests == []
    ours = {"ONE_TRACES_OTLP_ENDPOINT": machine.env["OTEL_EXPORTER_OTLP_ENDPOINT"]}
    assert machine.one("trace", "sync", env=ours).code == 0


def test_credentials_in_an_endpoint_are_not_shown(machine: Machine, collector: Collector) -> None:
    url = machine.env["OTEL_EXPORTER_OTLP_ENDPOINT"]
    collector.refuse = [400]
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(), sinks=["otlp"])
        secret = {"OTEL_EXPORTER_OTLP_ENDPOINT": url.replace("//", "//me:hush@")}
        done = machine.one("--agent", "trace", "sync", env=secret)
        assert f"{url}/v1/traces answered 400" in done.document["error"]["message"]
        assert b"hush" not in done.out + done.err
        assert "hush" not in str(store.uploads("00000000000a"))


PARTIAL = '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}'


@pytest.mark.parametrize("status", [400, 404, 415, 500, 501, 307])
def test_a_final_status_of_the_specification_is_not_retried(
    machine: Machine, collector: Collector, status: int
) -> None:
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(), sinks=["otlp"])
    collector.refuse = [status]
    done = machine.one("--agent", "trace", "sync")
    assert len(collector.requests) == 1
    assert [run["state"] for run in done.document["runs"]] == ["failed"]
    machine.one("--agent", "trace", "sync")
    assert len(collector.requests) == 1
    assert machine.one("--agent", "trace", "sync", "--retry-failed").code == 0
    assert len(collector.spans) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_retryable_status_of_the_specification_is_retried(
    machine: Machine, collector: Collector, status: int
) -> None:
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(), sinks=["otlp"])
    collector.refuse = [status]
    assert machine.one("--agent", "trace", "sync").code == 0
    assert len(collector.requests) == 2


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_a_partial_success_is_reported_and_not_retried(machine: Machine, protocol: str, form: str) -> None:
    answer = pb.ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    body = PARTIAL.encode() if form == "json" else answer.SerializeToString()
    asked: list[str] = []

    def partly(request: Handler) -> bool:
        asked.append(request.path)
        request.raw(200, body, "application/json" if form == "json" else "application/x-protobuf")
        return True

    with Store(machine.data / "traces.db") as store:
        store.save(assembly(), sinks=["otlp"])
    with fake_traces_server() as server:
        server.fault = partly
        machine.env |= {
            "ONE_TRACES_SINKS": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
        (run,) = machine.one("--agent", "trace", "sync").document["runs"]
        machine.one("--agent", "trace", "sync")
    assert (run["state"], len(asked)) == ("failed", 1)
    assert "all but 2 spans" in run["error"]
    assert "too old" in run["error"]


def test_what_was_accepted_is_not_sent_again(machine: Machine, collector: Collector) -> None:
    with Store(machine.data / "traces.db") as store:
        store.save(loop(700), sinks=["otlp"])
        collector.refuse, collector.refuse_from = [400], 2
        assert machine.one("trace", "sync").code != 0
        assert collector.sizes == [512]
        assert machine.one("trace", "sync", "--retry-failed").code == 0
        assert collector.sizes == [512, 190]
        assert machine.one("trace", "sync", "--again").code == 0
        assert collector.sizes == [512, 190, 512, 190]


@pytest.mark.parametrize("variable", ["OTEL_SDK_DISABLED=TRUE", "OTEL_TRACES_EXPORTER=none"])
def test_the_standard_switches_turn_the_sink_off(
    machine: Machine, collector: Collector, variable: str
) -> None:
    name, _, value = variable.partition("=")
    machine.player("14-subflow")
    done = machine.one("--agent", "flow", "execute", "x", "--trace", env={name: value})
    assert (done.code, done.saved["uploads"], collector.requests) == (0, [], [])


def test_the_resource_is_that_of_the_standard_variables(machine: Machine, collector: Collector) -> None:
    machine.env |= {
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=lost,deployment.environment.name=a%2Cb, team = blue ",
        "OTEL_SERVICE_NAME": "my-flows",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "GZIP",
        "OTEL_EXPORTER_OTLP_HEADERS": "User-Agent=mine,x-name=h%C3%A9",
    }
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(), sinks=["otlp"])
    assert machine.one("trace", "sync").code == 0
    resource = {each.key: each.value.string_value for each in collector.resource.attributes}
    assert resource["service.name"] == "my-flows"
    assert resource["deployment.environment.name"] == "a,b"
    assert resource["team"] == "blue"
    assert resource["host.name"]
    ((_, headers),) = collector.requests
    assert [value for name, value in headers.items() if name.lower() == "user-agent"] == ["mine"]
    assert headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("text", ["a=b,novalue", "a=%ff", "=x"])
def test_resource_attributes_that_cannot_be_read_are_all_ignored(text: str) -> None:
    assert user_attributes({"OTEL_RESOURCE_ATTRIBUTES": text}) is None


def test_a_span_of_an_llm_names_its_provider_and_the_root_is_a_server() -> None:
    usages = {"gemini-3-pro": "gcp.gemini", "gpt-5": "openai", "house-model": "_OTHER"}
    for model, provider in usages.items():
        asked = span("ask", usage=msgspec.structs.replace(USAGE, models=[model]))
        root, sent = otlp_spans(sanitize(assembly(spans=[asked]).trace))
        assert (root.kind, sent.attributes["gen_ai.provider.name"]) == (2, provider)
