"""The pages of findings."""

from __future__ import annotations

import re

import msgspec

from one_trace.analyse import insights
from one_trace.analyse.findings import Finding, InsightsDocument, InsightsOverview, Prediction, Size
from one_trace.analyse.patch import PatchDocument
from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.page import Page
from one_trace.view.runs import NO_RUNS

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_INDENT = "   "


def render(document: InsightsDocument, page: Page) -> str:
    """Findings as a numbered list."""
    if not document.runs:
        return page.text(words.no_run(document.flow_key, document.since, document.tags) or NO_RUNS)
    cost = document.cost_usd_per_run
    lines = [
        page.title(document.flow_key),
        *page.facts(
            words.counted(document.runs, "run"),
            f"p50 {words.duration(document.p50_ms)}",
            "" if cost is None else f"{words.money(cost)} a run",
        ),
    ]
    lines += page.lines(words.partial(document.partial), "warn")
    if document.other_projects:
        others = words.counted(len(document.other_projects), "other project")
        lines += page.lines(f"in {clean(document.project or '')}; {others} with a flow of this key")
    if not document.findings:
        lines += page.lines(f"Nothing to report: none of {len(document.rules)} rules applies.")
    for finding in document.findings:
        lines += ["", *_finding(finding, page)]
    missed = [rule for rule in insights.OF_PLAN if rule not in document.rules]
    if missed:
        text = f"Not looked for, since the plan of the flow is not known: {', '.join(sorted(missed))}"
        lines += ["", *map(page.dim, page.text(text).split("\n"))]
    return "\n".join(lines)


def overview(document: InsightsOverview, page: Page) -> str:
    """Each flow that needs attention, with its first finding."""
    if not document.runs:
        return page.text(words.no_run(None, document.since, document.tags) or NO_RUNS)
    several = len({flow.project for flow in document.flows}) > 1
    lines: list[str] = []
    for flow in document.flows:
        project = f"{page.style.dot}{clean(flow.project or '')}" if several else ""
        more = f" (and {flow.findings - 1} more)" if flow.findings > 1 else ""
        lines.append(page.title(f"{clean(flow.flow_key)}{project}"))
        lines += page.lines(words.partial(flow.partial), "warn", indent=_INDENT)
        lines += page.lines(f"{flow.first.rule}: {_text(flow.first.title)}{more}", indent=_INDENT)
    if document.quiet:
        lines += [*([""] if lines else []), f"Nothing to report of {words.counted(document.quiet, 'flow')}."]
    hints = ["All findings of a flow: one trace insights FLOW"] if document.flows else []
    if document.last_runs:
        hints.append(f"Of each flow, the last {document.last_runs} runs: --since 90d looks at all since then")
    for number, hint in enumerate(hints):
        lines += [*([] if number else [""]), *map(page.dim, page.text(hint).split("\n"))]
    return "\n".join(lines)


def patches(document: PatchDocument) -> str:
    """Each file's name and its patch, as JSON."""
    if not document.files:
        return "No finding has an edit that is safe to apply unseen."
    return "\n".join(
        f"{clean(file.file)}\n{msgspec.json.format(msgspec.json.encode(file.patch), indent=2).decode()}"
        for file in document.files
    )


def saving(size: Size) -> str:
    """``19.8s a run``, ``$0.12 a run``, ``4 failures``."""
    parts = []
    if size.seconds_per_run is not None:
        parts.append(f"{words.duration(size.seconds_per_run * 1000)} a run")
    if size.dollars_per_run is not None:
        parts.append(f"{words.money(size.dollars_per_run)} a run")
    if size.bytes_per_run is not None:
        parts.append(f"{words.size(round(size.bytes_per_run))} a run")
    if size.failures:
        parts.append(words.counted(size.failures, "failure"))
    return ", ".join(parts)


def evidence(finding: Finding) -> str:
    """The figures of a finding on one line: ``runs 50, share 93%, p50 19.8s``."""
    parts = []
    for name, value in finding.evidence.items():
        if isinstance(value, dict):
            text = ", ".join(f"{clean(key)} x{count}" for key, count in value.items())
        elif isinstance(value, str | int | float):
            text = _figure(name, value) if value else ""
        else:
            text = " ".join(map(str, value or ())) if name == "runIds" else ""
        if text:
            parts.append(f"{_label(name)} {text}")
    return ", ".join(parts)


def _finding(finding: Finding, page: Page) -> list[str]:
    saved = saving(finding.size)
    at = f"{page.style.dot}{clean(words.place(finding.at))}" if finding.at is not None else ""
    head = f"{finding.rank}. {_text(finding.title)}{f' (saves {saved})' if saved else ''}"
    return [
        *page.lines(head, "bold"),
        *page.lines(f"{finding.rule}{page.style.dot}{clean(finding.path)}{at}", "dim", indent=_INDENT),
        *page.lines(evidence(finding), "dim", indent=_INDENT),
        *page.lines(finding.suggestion, indent=_INDENT),
        *(page.lines(_prediction(finding.prediction), indent=_INDENT) if finding.prediction else []),
    ]


def _prediction(made: Prediction) -> str:
    """``With this edit, 18 past runs would have taken p50 4.2s (now 12.1s), p95 5.0s (now 13.4s).``"""
    before, after = (made.now_p50_ms, made.now_p95_ms), (made.p50_ms, made.p95_ms)
    times = [
        f"{name} {words.duration(then)} (now {words.duration(now)})"
        for name, now, then in zip(("p50", "p95"), before, after, strict=True)
    ]
    return f"With this edit, {words.counted(made.runs, 'past run')} would have taken {', '.join(times)}."


def _text(text: str) -> str:
    """A text for people: its times are local."""
    return _TIME.sub(lambda match: words.local(match[0]), clean(text))


def _label(name: str) -> str:
    """``timeoutMs`` → ``timeout``, ``runIds`` → ``run ids``."""
    bare = name.removesuffix("Ms").removesuffix("Usd").removesuffix("Bytes")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in bare)


def _figure(name: str, value: str | float) -> str:
    if isinstance(value, str):
        return _text(value)
    if name.endswith("Ms"):
        return words.duration(value)
    if name.endswith("Usd"):
        return words.money(value)
    if name.endswith("Bytes"):
        return words.size(round(value))
    if name in ("share", "rate", "change", "timeoutUse"):
        return f"{value:.1%}" if abs(value) < 0.1 else f"{value:.0%}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
