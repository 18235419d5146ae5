"""A run as a JUnit report, held against the structure that Jenkins' schema (junit-10) allows."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from made import assembly, span
from truths import RECORDINGS, recorded

from one_trace.export.junit import junit
from one_trace.model.trace import Cause, Location, Trace
from one_trace.outbound.outgoing import outgoing
from one_trace.outbound.sanitize import sanitize

CASES = sorted(path.parent.name for path in RECORDINGS.glob("*/truth.json*"))
SECONDS = re.compile(r"[0-9]+\.[0-9]{3}")
RESULT = {"type", "message"}
COUNTS = {"tests", "failures", "errors"}
SUITE = {"name", *COUNTS}
ALLOWED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", *COUNTS}),
    "testsuite": ({"properties", "testcase"}, SUITE, {"skipped", "time", "timestamp", *SUITE}),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, {"name", "value"}),
    "testcase": (
        {"skipped", "error", "failure", "rerunFailure", "flakyFailure"},
        {"name"},
        {"name", "time", "classname"},
    ),
    **dict.fromkeys(("failure", "error", "skipped"), (set(), set(), RESULT)),
    **dict.fromkeys(("rerunFailure", "flakyFailure"), (set(), {"type"}, RESULT)),
}
"""By element: the elements that may stand in it, the attributes that it must have, those that it may have."""


def check_structure(root: Element) -> None:
    assert root.tag == "testsuites"
    for element in root.iter():
        children, needed, allowed = ALLOWED[element.tag]
        assert {child.tag for child in element} <= children, element.tag
        assert needed <= element.attrib.keys() <= allowed, element.attrib
        assert "time" not in element.attrib or SECONDS.fullmatch(element.attrib["time"])
    suite = root[0]
    cases = suite.findall("testcase")
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[name]) == sum(case.find(tag) is not None for case in cases)
    assert int(suite.attrib["tests"]) == len(cases)


def report(trace: Trace, *, full: bool = False) -> Element:
    root = ElementTree.fromstring(junit(outgoing(sanitize(trace, str if full else None))))
    check_structure(root)
    return root


def outcomes(root: Element) -> dict[str, list[str]]:
    return {case.attrib["name"]: [child.tag for child in case] for case in root.iter("testcase")}


@pytest.mark.parametrize("case", CASES)
def test_a_report_has_a_case_for_each_step_and_fails_if_the_run_does(case: str) -> None:
    trace = recorded(case)
    found = outcomes(report(trace))
    assert len(found) >= len({span.step_id for span in trace.spans})
    bad = [name for name, tags in found.items() if {"failure", "error"} & set(tags)]
    if trace.run.status in ("error", "incomplete"):
        assert bad
    elif not trace.run.counts.error + trace.run.counts.timeout + trace.run.counts.incomplete:
        assert not bad


def test_each_outcome_has_its_element() -> None:
    each = span("each", type="loop")
    bad = span("bad", status="error", error_code="HTTP_503", attempts=3, retries=2, error="boom\nsecond")
    spans = [
        each,
        span("ask", each, iteration=0),
        span("ask", each, iteration=1, attempts=2, retries=1),
        span("off", status="skipped", duration_ms=None),
        span("slow", status="timeout", error_code="TIMEOUT"),
        bad,
        span("open", status="incomplete", duration_ms=None),
    ]
    at = Location(file=".one/flows/f/flow.json", pointer="/steps/3", line=7)
    cause = Cause(
        span_id=bad.span_id, path=bad.path, error_class="HTTP_503", at=at, never_ran=["my-flow > last"]
    )
    trace = assembly(spans=spans, status="error", cause=cause).trace
    root = report(trace)
    assert outcomes(root) == {
        "each": [],
        "each > ask": ["flakyFailure"],
        "off": ["skipped"],
        "slow": ["failure"],
        "bad": ["failure", "rerunFailure", "rerunFailure"],
        "open": ["error"],
        "last": ["skipped"],
    }
    failure = root.find(".//testcase[@name='bad']/failure")
    assert failure is not None
    assert failure.attrib["type"] == "HTTP_503"
    assert failure.text == "my-flow > bad: HTTP_503\nat .one/flows/f/flow.json:7"
    full = report(trace, full=True).find(".//testcase[@name='bad']/failure")
    assert full is not None
    assert (full.text or "").endswith("boom\nsecond")


def test_a_run_that_failed_before_its_first_step_is_a_case_of_its_own() -> None:
    cause = Cause(path="my-flow", error_class="INPUT", error="missing: token=hunter2")
    trace = assembly(spans=[], status="error", cause=cause).trace
    assert outcomes(report(trace)) == {"(the run)": ["error"]}


def test_no_name_breaks_the_report() -> None:
    name = "\x1b[2J]]>\"'<&>\u202e\ufffe\0\ud800" * 300
    bad = span(name, status="error", error=name, error_code=name, name=name, type=name)
    trace = assembly(
        spans=[bad], flow_key=name, status="error", cause=Cause(path=name, never_ran=[name])
    ).trace
    root = report(trace, full=True)
    assert root[0].attrib["name"].isprintable()
