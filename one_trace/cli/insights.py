"""`trace insights`: what to do about a flow, the most rewarding first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from one_trace.analyse import insights
from one_trace.cli import scope
from one_trace.cli.out import out
from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.cells import clip, wrap
from one_trace.view.ink import Ink

if TYPE_CHECKING:
    from one_trace.analyse.findings import Finding, InsightsDocument, Size


@click.command(
    context_settings=scope.CONTEXT,
    epilog=scope.examples("one trace insights my-flow", "one --agent trace insights my-flow --since 30d"),
)
@scope.flow_argument(required=True)
@scope.since_option()
def command(flow: str, since_ms: int | None) -> None:
    """What should I change in this flow, and what would it save?

    Findings by fixed rules, ranked by the part of the flow's time, cost or runs that they would save, each
    with its evidence and a suggestion: failing, flaky, retried, near-timeout, slow, slower,
    sequential-loop, uneven-parallel, output-grows, dear, cost-grows, wasted, dead-step. The sample flow
    'feedback' reads them and acts.

    --agent: {schema, flowKey, since, runs, version, p50Ms, costUsdPerRun, findings: [{rank, rule, path,
    title, evidence, size: {secondsPerRun, dollarsPerRun, bytesPerRun, failures}, score, suggestion,
    action}], rules}.
    """
    speaker = out()
    with scope.open_store() as store:
        chosen = scope.scope_of(store, flow, since_ms)
        document = insights.of_store(store, chosen, since=scope.since_text(since_ms))
    speaker.answer(document, lambda: page(document, room=speaker.width, ink=scope.ink_of(speaker)))


def page(document: InsightsDocument, *, room: int, ink: Ink) -> str:
    """Findings as a numbered list."""
    if not document.runs:
        return f"No run of {document.flow_key} since {document.since}."
    facts = [words.counted(document.runs, "run"), f"p50 {words.duration(document.p50_ms)}"]
    if document.cost_usd_per_run is not None:
        facts.append(f"{words.money(document.cost_usd_per_run)} a run")
    key = clip(clean(document.flow_key), room, ink.more)
    lines = [ink.paint(key, "bold"), *wrap(ink.dot.join(facts), room)]
    if not document.findings:
        lines += wrap(f"Nothing to report: none of {len(document.rules)} rules applies.", room)
    for finding in document.findings:
        lines += ["", *_finding(finding, room, ink)]
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


def _finding(finding: Finding, room: int, ink: Ink) -> list[str]:
    saved = saving(finding.size)
    head = wrap(f"{finding.rank}. {clean(finding.title)}{f' (saves {saved})' if saved else ''}", room)
    where = [f"{finding.rule}{ink.dot}{clean(finding.path)}", evidence(finding)]
    rest = [line for part in (*where, finding.suggestion) for line in wrap(part, room - 3) if part]
    told = len([line for part in where for line in wrap(part, room - 3) if part])
    return [
        *(ink.paint(line, "bold") for line in head),
        *(
            "   " + ink.paint(line, "dim") if place < told else "   " + line
            for place, line in enumerate(rest)
        ),
    ]


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
        elif value is not None and not isinstance(value, dict):
            said.append(f"{_title(name)} {_figure(name, value)}")
    return ", ".join(said)


def _title(name: str) -> str:
    """``timeoutMs`` → ``timeout``, ``runIds`` → ``run ids``."""
    bare = name.removesuffix("Ms").removesuffix("Usd").removesuffix("Bytes")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in bare)


def _figure(name: str, value: str | float) -> str:
    if isinstance(value, str):
        return clean(value)
    if name.endswith("Ms"):
        return words.duration(value)
    if name.endswith("Usd"):
        return words.money(value)
    if name.endswith("Bytes"):
        return words.size(round(value))
    if name in ("share", "rate", "change", "timeoutUse"):
        return f"{value:.1%}" if abs(value) < 0.1 else f"{value:.0%}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
