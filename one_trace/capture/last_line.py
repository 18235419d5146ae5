"""The line that reports a traced run: `trace:saved` for agents, words and the next command for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from one_trace.capture.notices import report_error, say
from one_trace.errors import CliError
from one_trace.guard import streams

if TYPE_CHECKING:
    from one_trace.model.trace import Run, Trace, Upload


def say_saved(trace: Trace, uploads: list[Upload], *, agent: bool, drawn: bool, from_store: str = "") -> None:
    """Report a run that has been traced, and how it was delivered. `drawn`: its tree was shown. `from_store`:
    see `Settings`."""
    run, spans = trace.run, len(trace.spans)
    if agent:
        from one_trace.answers.saved import saved_line

        say(saved_line(trace, uploads, from_store))
        return
    urls = "".join(f" · {upload.url}" for upload in uploads if upload.url)
    count = f"{spans} {'span' if spans == 1 else 'spans'}"
    line = f"traced {run.run_id}: {count}{_how(run, drawn=drawn)}. {_next(trace, drawn=drawn)}{from_store}"
    for each in _fitting(line, urls, width=streams.columns(2, 80)) if drawn else [line + urls]:
        say(each)
    for upload in uploads:
        if upload.state != "sent":
            report_error(_not_delivered(run.run_id, upload), agent=False)


def _how(run: Run, *, drawn: bool) -> str:
    """How the run ended, where no page has said it."""
    from one_trace.view.words import ending

    text = "" if drawn else ending(run)
    return f", {text}" if text else ""


def _fitting(line: str, urls: str, *, width: int) -> list[str]:
    """The last line of a run in a terminal; on a narrow one, what is copied stands on lines of its own."""
    from one_trace.view.reflow import reflow

    if len(line + urls) <= width:
        return [line + urls]
    return [*reflow(line, max(width, 40)).split("\n"), *urls.split(" · ")[1:]]


def _not_delivered(run_id: str, upload: Upload) -> CliError:
    from one_trace.guard.text import clean

    why = clean(upload.error or "timed out (traces.flush_timeout)").rstrip(". ")
    # The error of a refused upload says what to do.
    hint = "It stays queued: 'one trace sync' tries again." if upload.state == "queued" else None
    return CliError(f"run {run_id} is not delivered to {upload.sink}: {why}", hint=hint)


def _next(trace: Trace, *, drawn: bool) -> str:
    """The command to run next."""
    from one_trace.analyse.run_refs import word_for

    show = f"one trace show {word_for(trace.run)}"
    if not drawn:
        return f"See it: {show}"
    if trace.run.status in ("error", "incomplete"):
        return f"Full trace: {show}"
    return f"Slowest: {show} --slow 5"
