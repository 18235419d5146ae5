"""The head of a run's page: which run, how it ended, and why it failed."""

from __future__ import annotations

from one_trace.analyse.agent_sessions import resume_command
from one_trace.guard.text import clean, clean_lines
from one_trace.model.trace import Cause, Counts, Run, Session
from one_trace.view import words
from one_trace.view.cells import clip, text_width, wrap
from one_trace.view.style import Style

NARROW = 60
"""Columns below which a page has neither a waterfall nor anything on the right."""
_SOME = 3
"""Paths of a list that are named; the others are counted."""
_ERROR_LINES = 6


def header(run: Run, columns: int, style: Style, *, error_lines: int = _ERROR_LINES) -> list[str]:
    """The lines above the tree, each of at most `columns` cells."""
    lines = [_title(run, columns, style)]
    ending = words.ending(run)
    if ending:
        lines.append("  " + style.paint(clip(clean(ending), columns - 2, style.more), "incomplete"))
    lines += [style.paint(line, "dim") for line in _facts(run, columns - 2, style)]
    if run.cause:
        lines += ["", *cause_lines(run.cause, columns, style, error_lines)]
    if run.partial:
        lines.append("")
        lines += _labelled("partial", [clean(reason) for reason in run.partial], columns, style, "warn")
    if run.other_events:
        lines.append("")
        unknown = [f"{clean(kind)}: {number:,}" for kind, number in run.other_events.items()]
        lines += _labelled("events not known", unknown, columns, style, "warn")
    if run.other_fields:
        lines.append("")
        unknown = [clean(f"{kind}: {', '.join(names)}") for kind, names in run.other_fields.items()]
        lines += _labelled("fields not known", unknown, columns, style, "warn")
    return lines


def _title(run: Run, columns: int, style: Style) -> str:
    when = "in" if run.status == "success" else "after"
    took = f" {when} {words.duration(run.duration_ms)}" if run.duration_ms is not None else ""
    right = _run_id(run, style) if columns >= NARROW else ""
    status = f"{run.status}{took}"
    glyph = style.glyph(run.status).strip()
    width = columns - text_width(glyph) - len(status) - text_width(right) - 5
    key = clip(clean(run.flow_key, 400), max(width, 8), style.more)
    gap = " " * max(2, columns - text_width(glyph) - text_width(key) - len(status) - text_width(right) - 3)
    return (
        f"{style.paint(glyph, run.status)} {style.paint(key, 'bold')}  {style.paint(status, run.status)}"
        f"{gap[1:]}{style.paint(right, 'dim')}"
    )


def _run_id(run: Run, style: Style) -> str:
    return f"run {clip(clean(run.run_id, 40), 16, style.more)}"


def _facts(run: Run, width: int, style: Style) -> list[str]:
    """Start, executor, counts, cost and uploads, as many on a line as fit."""
    who = "One CLI" if run.executor.name == "one-cli" else "built-in runner"
    facts = [
        *([_run_id(run, style)] if width < NARROW - 2 else []),
        clean(words.local(run.started_at, seconds=True), 40),
        f"{who} {clean(run.executor.version, 40)}" if run.executor.version else who,
        *_counts(run.counts),
    ]
    if run.usage is not None:
        facts.append(clean(words.usage(run.usage)))
    if run.session is not None:
        facts += _session(run.session)
    if run.tags:
        facts.append("tags " + ", ".join(clean(f"{key}={value}") for key, value in run.tags.items()))
    if run.parent_run_id:
        facts.append(f"within run {clean(run.parent_run_id, 40)}")
    facts += [
        clean(f"{upload.state} to {upload.sink}" + (f" {upload.url}" if upload.url else ""))
        for upload in run.uploads
    ]
    lines: list[str] = []
    for fact in (fact for fact in facts if fact):
        joined = f"{lines[-1]}{style.dot}{fact}" if lines else ""
        if joined and text_width(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(clip(fact, width, style.more))
    return ["  " + line for line in lines]


def _session(session: Session) -> list[str]:
    who = f"{clean(session.agent or 'session', 40)} {clean(session.session_id or '', 60)}".rstrip()
    resume = resume_command(session)
    return [f"started by {who}", *([f"resume it: {resume}"] if resume else [])]


def _counts(counts: Counts) -> list[str]:
    parts = [
        f"{number:,} {status}"
        for status, number in (
            ("success", counts.success),
            ("error", counts.error),
            ("timeout", counts.timeout),
            ("skipped", counts.skipped),
            ("stopped", counts.stopped),
            ("incomplete", counts.incomplete),
        )
        if number
    ]
    steps = words.counted(counts.spans, "step")
    retries = words.counted(counts.retries, "retry").replace("retrys", "retries")
    text = f"{steps}: {', '.join(parts)}" if parts else steps
    return [text, retries] if counts.retries else [text]


def cause_lines(cause: Cause, columns: int, style: Style, error_lines: int = _ERROR_LINES) -> list[str]:
    """Why it failed: the step, its error, which steps were running and which never ran."""
    notes = [f"attempt {cause.attempts}"] if cause.attempts > 1 else []
    notes += ["or another iteration like it"] if "path" in cause.derived else []
    where = wrap(clean(cause.path) + (f" ({', '.join(notes)})" if notes else ""), columns - 6)
    lines = [style.paint("why", "error", "bold") + "   " + style.paint(where[0], "bold")]
    lines += ["      " + style.paint(line, "bold") for line in where[1:3]]
    lines += [
        "      " + style.paint(line, "error")
        for line in error_text(cause.error, cause.error_code, columns - 6, error_lines, style)
    ]
    lines += _paths("still running", cause.still_running, columns, style)
    lines += _paths("never ran", cause.never_ran, columns, style)
    return lines


def error_text(error: str | None, code: str | None, width: int, most: int, style: Style) -> list[str]:
    """``CODE: text`` in at most `most` lines of `width` cells."""
    texts = [line for line in clean_lines(error or "") if line]
    if code and not (texts and code in texts[0]):
        texts[:1] = [f"{clean(code, 80)}: {texts[0]}" if texts else clean(code, 80)]
    lines: list[str] = []
    for text in texts:
        lines += wrap(text, width)
        if len(lines) > most:
            cut = clip(lines[most - 1], width - len(style.more), "")
            return [*lines[: most - 1], cut + style.more]
    return lines


def _paths(title: str, paths: list[str], columns: int, style: Style) -> list[str]:
    if not paths:
        return []
    named = [clean(path) for path in paths[:_SOME]]
    if len(paths) > _SOME:
        named.append(f"and {len(paths) - _SOME:,} more")
    return _labelled(title, named, columns, style, "dim", indent=6)


def _labelled(
    title: str, items: list[str], columns: int, style: Style, tone: str, indent: int = 0
) -> list[str]:
    lead = " " * indent + title + "  "
    rest = " " * len(lead)
    width = columns - len(lead)
    cut = [clip(item, width, style.more) for item in items]
    return [style.paint(lead, tone) + cut[0], *(rest + item for item in cut[1:])] if cut else []
