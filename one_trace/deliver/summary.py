"""The title and the closing text of an uploaded run: the first things that a person reads."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.deliver.condense import Fold
from one_trace.deliver.phrases import counted, dollars, duration, listed
from one_trace.outbound.names import one_line
from one_trace.outbound.sanitize import SanitizedSpan, SanitizedTrace

_OUTCOMES = {
    "success": "succeeded",
    "error": "failed",
    "stopped": "was stopped",
    "incomplete": "never ended",
}
_SLOWEST = 3
_BLOCKS = 8


def summary(sanitized: SanitizedTrace, folds: list[Fold]) -> str:
    """Outcome, failing step, slowest steps, parallel blocks, skips, retries, tokens and cost, folds, tags."""
    lines = [_outcome(sanitized), *_failure(sanitized), *_slowest(sanitized), *_parallel(sanitized)]
    lines += [*_skipped(sanitized), *_retried(sanitized), *_cost(sanitized), *_folded(folds)]
    if sanitized.run.tags:
        lines.append(f"Tags: {', '.join(f'{key}={value}' for key, value in sanitized.run.tags.items())}.")
    if sanitized.run.damaged:
        lines.append("The record of this run is not whole: steps may be missing.")
    return "\n".join(lines)


def title(sanitized: SanitizedTrace) -> str:
    """``my-flow · error · 2m 4s · 14 steps``"""
    run = sanitized.run
    took = [duration(run.duration_ms)] if run.duration_ms is not None else []
    return " · ".join([one_line(run.flow_key), run.status, *took, counted(run.counts.spans, "step")])


def _outcome(sanitized: SanitizedTrace) -> str:
    run, counts = sanitized.run, sanitized.run.counts
    words = (
        (counts.success, "succeeded"),
        (counts.error, "failed"),
        (counts.timeout, "timed out"),
        (counts.skipped, "skipped"),
        (counts.stopped, "stopped"),
        (counts.incomplete, "never ended"),
    )
    parts = ", ".join(f"{count:,} {word}" for count, word in words if count)
    took = "" if run.duration_ms is None else f" after {duration(run.duration_ms)}"
    steps = f"{counted(counts.spans, 'step')}" + (f": {parts}" if parts else "")
    return f"{one_line(run.flow_key)} {_OUTCOMES[run.status]}{took}. {steps}."


def _failure(sanitized: SanitizedTrace) -> Iterator[str]:
    if sanitized.run.status != "error":
        return
    failed = [span for span in sanitized.spans if span.status == "error"]
    cause_path = sanitized.run.cause.path if sanitized.run.cause else None
    at = next((span for span in failed if span.path == cause_path), failed[-1] if failed else None)
    if at is None:
        return
    code = f", {at.error_code}" if at.error_code else ""
    tries = f", after {at.attempts} attempts" if at.attempts > 1 else ""
    yield f"Failed: {one_line(at.path)} ({at.type}{code}{tries})."
    if at.error:
        yield f"  {at.error}"


def _slowest(sanitized: SanitizedTrace) -> Iterator[str]:
    """The slowest steps without steps in them: a container takes as long as its steps."""
    parents = {span.parent_span_id for span in sanitized.spans}
    timed = [span for span in sanitized.spans if span.duration_ms and span.span_id not in parents]
    timed.sort(key=lambda span: -(span.duration_ms or 0))
    slow = [f"{_short(span)} {duration(span.duration_ms)}" for span in timed[:_SLOWEST]]
    if len(timed) > 1:
        yield f"Slowest: {listed(slow)}."


def _parallel(sanitized: SanitizedTrace) -> Iterator[str]:
    blocks = [span for span in sanitized.spans if span.type == "parallel"]
    inside: dict[str | None, list[SanitizedSpan]] = {block.span_id: [] for block in blocks}
    for span in sanitized.spans:
        if span.parent_span_id in inside:
            inside[span.parent_span_id].append(span)
    ways = (("success", "completed"), ("timeout", "timed out"), ("error", "failed"), ("skipped", "skipped"))
    for block in blocks[:_BLOCKS]:
        parts = []
        for status, word in ways:
            branches = [
                f"{one_line(span.step_id)} ({duration(span.duration_ms)})"
                if span.duration_ms is not None
                else one_line(span.step_id)
                for span in inside[block.span_id]
                if span.status == status
            ]
            if branches:
                parts.append(f"{word}: {listed(branches)}")
        if parts:
            yield f"Parallel {_short(block)}: {'; '.join(parts)}."
    if len(blocks) > _BLOCKS:
        yield f"{len(blocks) - _BLOCKS:,} more parallel blocks."


def _skipped(sanitized: SanitizedTrace) -> Iterator[str]:
    names = list(dict.fromkeys(_short(span) for span in sanitized.spans if span.status == "skipped"))
    if names:
        yield f"Skipped: {listed(names)}."


def _retried(sanitized: SanitizedTrace) -> Iterator[str]:
    tried = [f"{_short(span)} ({counted(span.retries, 'time')})" for span in sanitized.spans if span.retries]
    if tried:
        yield f"Retried: {listed(tried)}."


def _cost(sanitized: SanitizedTrace) -> Iterator[str]:
    usage = sanitized.run.usage
    if usage is None:
        return
    taken = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    parts = [f"{taken:,} tokens in, {usage.output_tokens:,} out"]
    if usage.cost_usd is not None:
        parts.append(dollars(usage.cost_usd))
    if usage.models:
        parts.append(listed(usage.models))
    yield f"LLM: {', '.join(parts)}."
    if usage.sessions:
        yield f"LLM sessions: {listed(usage.sessions)}."


def fold_line(fold: Fold) -> str:
    """How many iterations went alike, and how long they took."""
    least, median, most = map(duration, fold.spread[:3])
    return (
        f"Folded: {len(fold.numbers):,} iterations of {_short(fold.parent)} that went alike "
        f"({least} to {most}, median {median})."
    )


def _folded(folds: list[Fold]) -> Iterator[str]:
    for fold in folds[:_BLOCKS]:
        yield f"{fold_line(fold)[:-1]}; the first, the slowest and those that failed are shown whole."
    if len(folds) > _BLOCKS:
        rest = sum(len(fold.numbers) for fold in folds[_BLOCKS:])
        yield f"Folded: {rest:,} more iterations in {len(folds) - _BLOCKS:,} other places."


def _short(span: SanitizedSpan) -> str:
    """The step's id and the iteration it ran in."""
    where = "" if span.iteration is None else f"[{span.iteration}]"
    return one_line(span.step_id) + where
