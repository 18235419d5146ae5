"""A run as a JUnit report: a test case for each step, all its executions together.

In the form that Maven Surefire writes and Jenkins' schema describes: a step that failed is a `failure`, with
a `rerunFailure` for each further attempt; one that never ended is an `error`; one that succeeded after
retries passes, with a `flakyFailure` for each attempt before. It has what may leave this machine and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from one_trace.guard.markup import xml_text
from one_trace.guard.text import clean_lines
from one_trace.model.figures import counted, place
from one_trace.model.trace import Cause, Run, Span, Trace, worst
from one_trace.model.tree import static_paths

_FAILURES = ("error", "timeout")
_MOST_ATTEMPTS = 10
"""Elements for attempts of one step."""
_MOST_SPANS = 10
"""Executions that the text of a failure names."""
_ERROR_LINES = 20
_NEVER_RAN = "it did not run, because the run failed before"


class _Case(NamedTuple):
    """`kind`: what the step counts as: failure, error, skipped, or empty if it passed."""

    name: str
    kind: str
    seconds: float
    elements: list[str]


def junit(run: Trace) -> bytes:
    """The report. `run` is a trace as it may leave: see `outbound.outgoing`."""
    cases = [*_cases(run)]
    if run.run.status in ("error", "incomplete") and not any(
        case.kind in ("failure", "error") for case in cases
    ):
        cases.append(_of_run(run.run))
    flow, seconds = xml_text(run.run.flow_key), f"{(run.run.duration_ms or 0) / 1000:.3f}"
    kinds = [case.kind for case in cases]
    totals = f'tests="{len(cases)}" failures="{kinds.count("failure")}" errors="{kinds.count("error")}"'
    suite = f'name="{flow}" {totals} skipped="{kinds.count("skipped")}" time="{seconds}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="one-trace" {totals} time="{seconds}">',
        f'  <testsuite {suite} timestamp="{xml_text(run.run.started_at[:19])}">',
        *_properties(run.run),
    ]
    for case in cases:
        lines += _case_lines(case, flow)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>", ""]).encode("utf-8", "replace")


def _properties(run: Run) -> Iterator[str]:
    yield "    <properties>"
    for name, value in (("runId", run.run_id), ("traceId", run.trace_id), ("status", run.status)):
        yield f'      <property name="{name}" value="{xml_text(value)}"/>'
    yield "    </properties>"


def _case_lines(case: _Case, flow: str) -> list[str]:
    opened = f'    <testcase name="{xml_text(case.name)}" classname="{flow}" time="{case.seconds:.3f}"'
    if not case.elements:
        return [f"{opened}/>"]
    return [f"{opened}>", *(f"      {element}" for element in case.elements), "    </testcase>"]


def _cases(run: Trace) -> Iterator[_Case]:
    """The steps that ran, in the order of their first start, then those that never did."""
    root = f"{run.run.flow_key} > "
    paths = static_paths(run.run.flow_key, run.spans)
    groups: dict[str, list[Span]] = {}
    for span in run.spans:
        groups.setdefault(paths[span.span_id], []).append(span)
    cause = run.run.cause or None
    for path, spans in groups.items():
        yield _case(path.removeprefix(root), spans, cause)
    seen = groups.keys() | {span.path for span in run.spans}
    for path in dict.fromkeys(cause.never_ran if cause else []):
        if path not in seen:
            yield _Case(path.removeprefix(root), "skipped", 0.0, [_element("skipped", _NEVER_RAN)])


def _case(name: str, spans: list[Span], cause: Cause | None) -> _Case:
    status = worst(span.status for span in spans)
    seconds = sum(span.duration_ms or 0.0 for span in spans) / 1000
    if status in _FAILURES:
        return _Case(name, "failure", seconds, _failed(spans, cause))
    if status == "incomplete":
        text = f"{counted(sum(span.status == 'incomplete' for span in spans), 'execution')} did not end"
        return _Case(name, "error", seconds, [_element("error", text, "incomplete")])
    if status in ("skipped", "stopped"):
        return _Case(name, "skipped", seconds, [_element("skipped", f"it was {status}")])
    return _Case(name, "", seconds, _attempts("flakyFailure", spans))


def _failed(spans: list[Span], cause: Cause | None) -> list[str]:
    failed = [span for span in spans if span.status in _FAILURES]
    first = failed[0]
    is_cause = cause is not None and any(span.span_id == cause.span_id for span in failed)
    kind = (cause.error_class if cause and is_cause else None) or _kind(first)
    text = [f"{span.path}: {_kind(span)}" for span in failed[:_MOST_SPANS]]
    text += [f"and {len(failed) - _MOST_SPANS:,} more"] if len(failed) > _MOST_SPANS else []
    text += [f"at {place(cause.at)}"] if cause and is_cause and cause.at else []
    text += clean_lines(first.error)[:_ERROR_LINES] if first.error else []
    message = f"{counted(len(failed), 'execution')} of {len(spans):,} failed with {kind}"
    return [_element("failure", message, kind, text), *_attempts("rerunFailure", failed)]


def _attempts(name: str, spans: list[Span]) -> list[str]:
    """An element for each attempt of these executions that was followed by another."""
    found = [
        f"{span.path}: attempt {number} of {span.attempts} failed"
        for span in spans
        for number in range(1, min(span.retries, _MOST_ATTEMPTS) + 1)
    ]
    return [_element(name, text, "retried") for text in found[:_MOST_ATTEMPTS]]


def _kind(span: Span) -> str:
    return span.error_code or span.status


def _element(name: str, message: str, kind: str = "", text: list[str] | None = None) -> str:
    typed = f' type="{xml_text(kind)}"' if kind else ""
    opened = f'<{name} message="{xml_text(message)}"{typed}'
    inner = "\n".join(map(xml_text, text or []))
    return f"{opened}>{inner}</{name}>" if inner else f"{opened}/>"


def _of_run(run: Run) -> _Case:
    """A run that failed before a step did, or was killed between two."""
    kind = (run.cause.error_class if run.cause else None) or run.status
    element = _element("error", f"the run ended with {run.status}", kind)
    return _Case("(the run)", "error", (run.duration_ms or 0) / 1000, [element])
