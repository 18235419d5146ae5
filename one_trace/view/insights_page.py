"""Findings as pages of text: pure functions of the document, width and style."""

from __future__ import annotations

import re

import msgspec

from one_trace.analyse.findings import Finding, InsightsDocument, InsightsOverview, Size
from one_trace.analyse.patch import PatchDocument
from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.cells import clip, wrap
from one_trace.view.runs import NO_RUNS
from one_trace.view.style import Style


def patches(edits: PatchDocument) -> str:
    """Each file's patch, as a program that applies it reads it, below its name."""
    if not edits.files:
        return "No finding has an edit that is safe to make without a look."
    return "\n".join(
        f"{clean(one.file)}\n{msgspec.json.format(msgspec.json.encode(one.patch), indent=2).decode()}"
        for one in edits.files
    )


def overview(document: InsightsOverview, *, room: int, style: Style) -> str:
    """A line for each flow that needs attention, with its first finding below."""
    if not document.runs:
        return f"No run since {document.since}." if document.since else NO_RUNS
    several = len({flow.project for flow in document.flows}) > 1
    lines: list[str] = []
    for flow in document.flows:
        first = flow.first
        where = f"{style.dot}{clean(flow.project or '')}" if several else ""
        more = f" (and {flow.findings - 1} more)" if flow.findings > 1 else ""
        lines += [style.paint(clip(f"{clean(flow.flow_key)}{where}", room, style.more), "bold")]
        lines += ["   " + line for line in wrap(f"{first.rule}: {_said(first.title)}{more}", room - 3)]
    if document.quiet:
        lines += [*([""] if lines else []), f"Nothing to report of {words.counted(document.quiet, 'flow')}."]
    if document.flows:
        lines += ["", style.paint("More of one: one trace insights FLOW", "dim")]
    return "\n".join(lines)


def page(document: InsightsDocument, *, room: int, style: Style) -> str:
    """Findings as a numbered list."""
    if not document.runs:
        return f"No run of {document.flow_key} since {document.since}."
    facts = [words.counted(document.runs, "run"), f"p50 {words.duration(document.p50_ms)}"]
    if document.cost_usd_per_run is not None:
        facts.append(f"{words.money(document.cost_usd_per_run)} a run")
    key = clip(clean(document.flow_key), room, style.more)
    lines = [style.paint(key, "bold"), *wrap(style.dot.join(facts), room)]
    if document.other_projects:
        others = words.counted(len(document.other_projects), "other project")
        lines += wrap(f"of {clean(document.project or '')}; {others} with a flow of this key", room)
    if not document.findings:
        lines += wrap(f"Nothing to report: none of {len(document.rules)} rules applies.", room)
    for finding in document.findings:
        lines += ["", *_finding(finding, room, style)]
    return "\n".join(lines)


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


def _finding(finding: Finding, room: int, style: Style) -> list[str]:
    saved = saving(finding.size)
    head = wrap(f"{finding.rank}. {_said(finding.title)}{f' (saves {saved})' if saved else ''}", room)
    at = f"{style.dot}{clean(words.place(finding.at))}" if finding.at is not None else ""
    where = [f"{finding.rule}{style.dot}{clean(finding.path)}{at}", evidence(finding)]
    rest = [line for part in (*where, finding.suggestion) for line in wrap(part, room - 3) if part]
    told = len([line for part in where for line in wrap(part, room - 3) if part])
    return [
        *(style.paint(line, "bold") for line in head),
        *(
            "   " + style.paint(line, "dim") if place < told else "   " + line
            for place, line in enumerate(rest)
        ),
    ]


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def _said(title: str) -> str:
    """A title for people: its times as they are here."""
    return _MOMENT.sub(lambda found: words.local(found[0]), clean(title))


def evidence(finding: Finding) -> str:
    """The figures of a finding on one line: ``runs 50, share 93%, p50 19.8s``."""
    said = []
    for name, value in finding.evidence.items():
        if isinstance(value, dict) and value:
            said.append(
                f"{_title(name)} " + ", ".join(f"{clean(key)} x{count}" for key, count in value.items())
            )
        elif isinstance(value, list):
            said += [f"{_title(name)} " + " ".join(map(str, value))] if name == "runIds" and value else []
        elif isinstance(value, str | int | float):
            said.append(f"{_title(name)} {_figure(name, value)}")
    return ", ".join(said)


def _title(name: str) -> str:
    """``timeoutMs`` → ``timeout``, ``runIds`` → ``run ids``."""
    bare = name.removesuffix("Ms").removesuffix("Usd").removesuffix("Bytes")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in bare)


def _figure(name: str, value: str | float) -> str:
    if isinstance(value, str):
        return _said(value)
    if name.endswith("Ms"):
        return words.duration(value)
    if name.endswith("Usd"):
        return words.money(value)
    if name.endswith("Bytes"):
        return words.size(round(value))
    if name in ("share", "rate", "change", "timeoutUse"):
        return f"{value:.1%}" if abs(value) < 0.1 else f"{value:.0%}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
