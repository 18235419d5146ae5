"""The page `one trace help attributes` names what is sent, and nothing else."""

from __future__ import annotations

import re

from made import USAGE, assembly, span
from msgspec.structs import replace

from one_trace.capture.place import place_of
from one_trace.cli import topics
from one_trace.model.trace import (
    SPAN_STATUSES,
    Cause,
    Counts,
    Exit,
    Location,
    ModelUsage,
    PlannedStep,
    Session,
)
from one_trace.outbound.otel import otlp_spans, present
from one_trace.outbound.otel_attributes import of_resource
from one_trace.outbound.sanitize import SanitizedTrace
from tests.deliver.test_resource import GITHUB, GITLAB
from tests.history.otel_road import sanitized

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def named() -> list[set[str]]:
    """On the resource, on the run and on a step."""
    parts = topics.page("attributes").split("\n## ")[1:]
    return [
        {name for cell in re.findall(r"^\| (`.*?) \|", part, re.M) for name in whole(cell)} for part in parts
    ]


def whole(cell: str) -> list[str]:
    """Names of a cell. `.x` is the name before it with another end."""
    names: list[str] = []
    stem = ""
    for name in re.findall(r"`([^`]+)`", cell):
        if not name.startswith("."):
            stem = name.rpartition(".")[0]
        names.append(stem + name if name.startswith(".") else name)
    return names


def everything() -> SanitizedTrace:
    """A run of which every attribute is known."""
    block = span(
        "block", type="loop", attempts=2, retries=1, flow="other", branch="then", index=1, start_ms=0.1234567
    )
    usage = replace(USAGE, cache_read_tokens=1, cache_write_tokens=1)
    ask = {"usage": usage, "iteration": 0, "parent_attempt": 1, "input_bytes": 1, "output_bytes": 1}
    asked = [
        span(
            "ask",
            block,
            status="error",
            error_code="E",
            late=True,
            derived=["index"],
            duration_ms=1e-7,
            **ask,
        ),
        span("ask", block, status="incomplete", retries=5, **ask | {"duration_ms": None}),
        span("ask", block, duration_ms=50.0, **ask),
    ]
    cause = Cause(
        span_id="0" * 16,
        path="p",
        step_id="s",
        error_code="E",
        error_class="C",
        still_running=["a"],
        never_ran=["b"],
        derived=["path"],
    )
    made = assembly(
        spans=[block, *asked],
        status="error",
        started_at="yesterday",
        duration_ms=1e-7,
        exit=Exit(code=1, signal="SIGINT", duration_ms=5),
        counts=Counts(spans=4, retries=1, **dict.fromkeys(SPAN_STATUSES, 1)),
        usage=usage,
        session=Session(agent="a", session_id="s"),
        parent_run_id="p",
        tags={"KEY": "x"},
        cause=cause,
        partial=["torn"],
    )
    made.plan = [PlannedStep(path="my-flow > block", type="code", flow_key="my-flow")]
    made.step_timeouts = {"my-flow > block": 5.0}
    made.model_parts = {asked[0].span_id: {"big": ModelUsage()}}
    place = place_of(GITHUB) | place_of(GITLAB)
    return sanitized(made, traceparent=CALLER, contexts={}, resource=place)


def test_the_page_names_what_is_sent_and_nothing_else() -> None:
    sent = everything()
    root, *steps = otlp_spans(sent)
    resource = {"one.run.started_ms", *present(of_resource(sent.run))}
    every_step = {"one.step.timed"}.union(*(step.attributes for step in steps))
    assert named() == [resource, {*root.attributes, "one.run.timed"}, every_step]


def test_the_users_environment_does_not_replace_what_identifies_a_run() -> None:
    mine = {"one.run.revision": "9", "one.run.trace_id": "0" * 32, "cicd.pipeline.name": "x", "team": "blue"}
    found = present(of_resource(sanitized(assembly(), resource=mine).run))
    assert (found["one.run.revision"], found["cicd.pipeline.name"], found["team"]) == (1, "my-flow", "blue")
    assert "one.run.trace_id" not in found


def test_the_definition_of_a_flow_is_masked_and_without_texts_of_its_file() -> None:
    each = span("acme-x", usage=USAGE)
    made = assembly(spans=[each])
    made.static_paths, made.step_timeouts = ["my-flow > acme-x"], {"my-flow > acme-x": 5.0}
    made.model_parts = {each.span_id: {"acme-model": ModelUsage()}}
    made.plan = [
        PlannedStep(
            path="my-flow > acme-x",
            type="acme",
            flow_key="acme-flow",
            at=Location(file="acme.json", pointer="/steps/0"),
            strategy="acme or else",
            reads=["acme-y"],
            parts={"code/source": "acme"},
        )
    ]
    root, step = otlp_spans(sanitized(made, mask=lambda text: text.replace("acme", "*")))
    assert "acme" not in str(root.attributes) + str(step.attributes)
    assert step.attributes["one.step.timeout_ms"] == 5
    assert '"at"' not in root.attributes["one.flow.plan"]
