"""`trace show`: one run as a tree with a waterfall; for agents an answer that fits what they read."""

from __future__ import annotations

import click

from one_trace.analyse.run_refs import RUNNING
from one_trace.cli.bounded import bounded
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.cli.stored import trace_of
from one_trace.errors import FAILED
from one_trace.model.trace import Filter, Span, Trace

# What draws a page is imported where it is drawn: an agent's answer needs none of it.

_FAILED_LINES = 30
"""Where failures are asked for, an error's text is told in so many lines."""


@click.command(
    "show",
    epilog=examples(
        "one trace show",
        "one trace show 3f2a --failed",
    ),
)
@click.argument("run", required=False)
@click.option("--failed", is_flag=True, help="Only what failed, and the way to it.")
@click.option("--step", metavar="PATH", help="Only this step (path or id), with what is in it.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Only the N upper levels.")
@click.option("--all", "unfold", is_flag=True, help="Every iteration on a line of its own.")
@click.option(
    "--slow",
    type=click.IntRange(min=1),
    metavar="N",
    help="The critical path and the N slowest steps.",
)
@click.option("--follow", is_flag=True, help="Watch a run until it ends; without RUN, the next one.")
@click.option("--exit-status", is_flag=True, help="With --follow: exit with 1 if the run does not succeed.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="S", help="With --follow: stop after S seconds."
)
@click.option("--events", is_flag=True, help="The events in time order, as they may leave this machine.")
@bounded
def command(
    run: str | None,
    failed: bool,
    step: str | None,
    depth: int | None,
    unfold: bool,
    slow: int | None,
    follow: bool,
    exit_status: bool,
    timeout: float | None,
    events: bool,
) -> int:
    """What happened in RUN (an id, the beginning of one, 'last' or 'running'): which steps ran, for how long,
    why it failed."""
    if not follow and (exit_status or timeout is not None):
        raise click.UsageError("--exit-status and --timeout need --follow")
    if slow and events:
        raise click.UsageError("--slow and --events are two different pages: give one of them")
    speaker = out()
    interrupted = False
    if follow:
        whole, interrupted = _followed(run, speaker, timeout)
    else:
        whole = trace_of(run or "last")
    trace, named, hidden = _filtered(whole, failed=failed, step=step, depth=depth)
    if slow:
        _show_slow(speaker, whole, trace, slow)
    elif events:
        _show_events(speaker, trace)
    elif speaker.agent:
        asked: dict[str, object] = {"failed": failed or None, "step": step, "depth": depth}
        speaker.answer(_answer(speaker, whole, trace, asked), "")
    else:
        speaker.answer(None, lambda: _page(speaker, trace, named, hidden, failed, unfold))
    if interrupted:
        raise KeyboardInterrupt
    return FAILED if exit_status and whole.run.status != "success" else 0


def _answer(speaker: Out, whole: Trace, shown: Trace, asked: dict[str, object]) -> object:
    """The trace document where the whole run is asked for, else an answer about it."""
    from one_trace.answers.run import answer

    filter = {name: value for name, value in asked.items() if value is not None}
    if speaker.bounds.full and not filter:
        return whole
    return answer(whole, shown, filter=filter, bounds=speaker.bounds)


def _filtered(
    trace: Trace, *, failed: bool, step: str | None, depth: int | None
) -> tuple[Trace, list[Span], dict[str, int]]:
    """What of a run is shown, the spans that a step names, and how many are hidden in which span."""
    named: list[Span] = []
    hidden: dict[str, int] = {}
    if not (failed or step or depth):
        return trace, named, hidden
    from one_trace.view import pick

    if failed:
        trace = pick.failed(trace)
    if step:
        trace, named = pick.step(trace, step)
    if depth:
        trace, hidden = pick.depth(trace, depth)
    trace.filter = Filter(failed=failed, step=step, depth=depth)
    return trace, named, hidden


def _followed(run: str | None, speaker: Out, timeout_s: float | None) -> tuple[Trace, bool]:
    from one_trace.cli.follow import follow

    followed = follow(run or RUNNING, speaker, timeout_s)
    return followed.trace, followed.interrupted


def _page(
    speaker: Out, trace: Trace, named: list[Span], hidden: dict[str, int], failed: bool, unfold: bool
) -> str:
    from one_trace.view.tree import ERROR_LINES, render

    return render(
        trace,
        width=speaker.width,
        color=speaker.color,
        unicode=speaker.unicode,
        unfold=unfold,
        notes={span_id: f"(+{count:,} inside)" for span_id, count in hidden.items()},
        detail=named,
        error_lines=_FAILED_LINES if failed else ERROR_LINES,
        empty="nothing failed" if failed else "no steps to show",
    )


def _show_slow(speaker: Out, whole: Trace, shown: Trace, most: int) -> None:
    from one_trace.view.slow import render_slow, slow

    only = None if shown is whole else {span.span_id for span in shown.spans}
    found = slow(whole, most, only, shown.filter or None)
    speaker.answer(
        found, lambda: render_slow(found, width=speaker.width, color=speaker.color, unicode=speaker.unicode)
    )


def _show_events(speaker: Out, trace: Trace) -> None:
    from one_trace.outbound.events import event_lines
    from one_trace.view.event_list import EventsDocument, render_events

    document = EventsDocument(run=trace.run, events=event_lines(trace), filter=trace.filter)
    speaker.answer(
        document,
        lambda: render_events(
            trace.run, document.events, width=speaker.width, color=speaker.color, unicode=speaker.unicode
        ),
    )
