"""A run as Markdown, for a pull request or the summary of a CI job: why it failed, the tree of what mattered,
the slow steps, the cost.

It has what may leave this machine and no more. The names in it are a project's: they stand in code, where
nothing is a link, a mention or markup. It is small whatever the run: a comment may have 65,536 characters.
"""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.export.markdown_tree import tree_lines
from one_trace.guard.markup import code_block, code_span
from one_trace.guard.text import clean_lines
from one_trace.model.figures import counted, duration, money, place, usage
from one_trace.model.trace import Cause, Run, Trace, Usage
from one_trace.model.tree import Shape, static_paths

ROWS = 10
"""Rows of a table."""
_LEAST_SHARE = 0.01
_ERROR_LINES = 15
_ERROR_CHARACTERS = 1500
OUTCOMES = {
    "success": "✅ succeeded",
    "error": "❌ failed",
    "stopped": "⏹️ was stopped",
    "incomplete": "❌ did not end",
}


def markdown(run: Trace) -> str:
    """The page. `run` is a trace as it may leave: see `outbound.outgoing`."""
    return "\n".join([*heading(run.run), "", *why(run.run), *where(run)]) + "\n"


def heading(run: Run) -> list[str]:
    took = "" if run.duration_ms is None else f" in {duration(run.duration_ms)}"
    return [f"### {code_span(run.flow_key)} {OUTCOMES[run.status]}{took}"]


def why(run: Run) -> list[str]:
    """The run in a line, and why it failed."""
    lines = [_facts(run)]
    if run.cause:
        lines += ["", *_cause(run.cause)]
    if run.partial:
        lines += ["", "The record of this run is incomplete: steps may be missing."]
    return lines


def where(run: Trace) -> list[str]:
    """The tree of what mattered, the slow steps, the cost."""
    tree = tree_lines(run)
    block = ["", *code_block(tree)] if tree else []
    return block + _slow(run) + _cost(run)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, figures to the right. Cells must not contain a bar."""
    rule = "|".join(["", " --- ", *(" ---: " for _ in titles[1:]), ""])
    return [f"| {' | '.join(titles)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)]


def _facts(run: Run) -> str:
    counts = run.counts
    failed = counts.error + counts.timeout
    facts = [
        f"Run {code_span(run.run_id, 40)}",
        f"{code_span(run.started_at, 30)}",
        counted(counts.spans, "step"),
        f"{failed:,} failed" if failed else "",
        f"{counts.incomplete:,} did not end" if counts.incomplete else "",
        f"{counts.skipped:,} skipped" if counts.skipped else "",
        f"{counts.retries:,} {'retry' if counts.retries == 1 else 'retries'}" if counts.retries else "",
        usage(run.usage, models=False) if run.usage else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _cause(cause: Cause) -> list[str]:
    what = cause.error_class or cause.error_code
    parts = [f"**Cause:** {code_span(cause.path)} failed"]
    parts += [f"with {code_span(what, 64)}"] if what else []
    parts += [f"after {cause.attempts:,} attempts"] if cause.attempts > 1 else []
    parts += [f"at {code_span(place(cause.at))}"] if cause.at else []
    lines = [f"{' '.join(parts)}."]
    if cause.never_ran:
        lines[0] += f" Because of it, {counted(len(cause.never_ran), 'step')} did not run."
    if cause.error:
        text = clean_lines(cause.error, _ERROR_CHARACTERS)
        lines += ["", *code_block(text[:_ERROR_LINES])]
    return lines


def _slow(run: Trace) -> list[str]:
    """Where the time went: steps by self time, all their executions together."""
    shape, paths = Shape(run), static_paths(run.run.flow_key, run.spans)
    total = run.run.duration_ms or shape.horizon or 1.0
    own: dict[str, list[float]] = {}
    for span_id, ms in shape.self_ms.items():
        own.setdefault(paths[span_id], []).append(ms)
    ranked = sorted(own.items(), key=lambda each: -sum(each[1]))[:ROWS]
    rows = [
        [_step(path, run.run), duration(sum(times)), f"{min(sum(times) / total, 1):.0%}", f"{len(times):,}"]
        for path, times in ranked
        if sum(times) >= _LEAST_SHARE * total
    ]
    return ["", *table(("Slow steps", "Self time", "Share", "Times"), rows)] if rows else []


def _cost(run: Trace) -> list[str]:
    """Tokens and money, by step."""
    paths = static_paths(run.run.flow_key, run.spans)
    calls: dict[str, list[Usage]] = {}
    for span in run.spans:
        if span.usage is not None:
            calls.setdefault(paths[span.span_id], []).append(span.usage)
    if not calls:
        return []
    ranked = sorted(calls.items(), key=lambda each: -_usd(each[1]))
    rows = [
        [_step(path, run.run), *_tokens(used), money(_usd(used)) if _reported(used) else "not reported"]
        for path, used in ranked[:ROWS]
    ]
    lines = ["", *table(("LLM calls", "Tokens in", "Tokens out", "Cost"), rows)]
    if len(ranked) > ROWS:
        lines += ["", f"{counted(len(ranked) - ROWS, 'step')} more with a cost."]
    return lines


def _step(path: str, run: Run) -> str:
    return code_span(path.removeprefix(f"{run.flow_key} > "))


def _usd(used: list[Usage]) -> float:
    return sum(each.cost_usd or 0.0 for each in used)


def _reported(used: list[Usage]) -> bool:
    return any(each.cost_usd is not None for each in used)


def _tokens(used: list[Usage]) -> list[str]:
    taken = sum(each.input_tokens + each.cache_read_tokens + each.cache_write_tokens for each in used)
    return [f"{taken:,}", f"{sum(each.output_tokens for each in used):,}"]
