"""`trace show`: one run as a tree with a waterfall; for agents an answer that fits what they read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from one_trace.analyse.run_refs import RUNNING
from one_trace.cli import candidates
from one_trace.cli.bounded import bounded
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.cli.params import FROM, SECONDS
from one_trace.cli.reading import history_of, only_here, place_of
from one_trace.cli.stored import trace_of
from one_trace.errors import FAILED
from one_trace.model.trace import Filter, Location, PlannedStep, Span, Trace

if TYPE_CHECKING:
    from one_trace.analyse.edit import Edit
    from one_trace.answers.step import StepOutput
    from one_trace.settings.history_url import HistoryUrl

# What draws a page is imported where it is drawn: an agent's answer needs none of it.

_FAILED_LINES = 30
"""Lines of an error's text with --failed."""


class Shown(NamedTuple):
    """The part of a run that is shown: `trace`; the spans that `--step` names, and where that step is
    written; by span id how many spans inside are hidden; the output that was asked for."""

    trace: Trace
    named: list[Span] = []  # noqa: RUF012  never changed
    at: Location | None = None
    hidden: dict[str, int] = {}  # noqa: RUF012
    output: StepOutput | None = None


@click.command(
    "show",
    epilog=examples(
        "one trace show",
        "one trace show 3f2a --failed",
    ),
)
@click.argument("run", required=False)
@click.option("--failed", is_flag=True, help="Only what failed, and the way to it.")
@click.option(
    "--step",
    metavar="PATH",
    shell_complete=candidates.steps,
    help="Only this step (path or id), with what is in it.",
)
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
@click.option("--timeout", type=SECONDS, metavar="S", help="With --follow: stop after S seconds.")
@click.option("--events", is_flag=True, help="The events in time order, as they may leave this machine.")
@click.option("--with-output", is_flag=True, help="With --step: its output, from the run's state file.")
@FROM
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
    with_output: bool,
    source: str | None,
) -> int:
    """What happened in RUN (an id, 'last' or 'running'), and why it failed."""
    if not follow and (exit_status or timeout is not None):
        raise click.UsageError("--exit-status and --timeout need --follow")
    if slow and events:
        raise click.UsageError("--slow and --events are two different pages: give one of them")
    if with_output and (step is None or slow or events):
        raise click.UsageError("--with-output needs --step, and neither --slow nor --events")
    speaker, place = out(), place_of(source)
    if follow or with_output:
        only_here(place, "a run that is under way" if follow else "an output")
    interrupted = False
    if follow:
        whole, interrupted = _followed(run, speaker, timeout)
    else:
        whole = trace_of(run or "last", place)
    shown = _filtered(whole, failed=failed, step=step, depth=depth)
    if step is not None and not (slow or events):
        shown = _with_step(shown, step, place, with_output=with_output)
    if slow:
        _show_slow(speaker, whole, shown.trace, slow, place)
    elif events:
        _show_events(speaker, shown.trace)
    elif speaker.agent:
        speaker.answer(_answer(speaker, whole, shown, place), "")
    else:
        edits = [] if shown.named else _plan_and_edits(whole, place)[1]
        speaker.answer(None, lambda: _page(speaker, shown, edits, failed=failed, unfold=unfold))
    if interrupted:
        raise KeyboardInterrupt
    return FAILED if exit_status and whole.run.status != "success" else 0


def _answer(speaker: Out, whole: Trace, shown: Shown, place: HistoryUrl | None) -> object:
    """The trace document if the whole run is asked for, otherwise an answer about it."""
    from msgspec import to_builtins

    from one_trace.answers.run import answer

    filter = shown.trace.filter
    if speaker.bounds.full and not filter:
        return whole
    asked = to_builtins(filter) if filter else {}
    plan, edits = _plan_and_edits(whole, place)
    return answer(
        whole,
        shown.trace,
        bounds=speaker.bounds,
        filter=asked,
        at=shown.at,
        output=shown.output,
        plan=plan,
        edits=edits,
    )


def _plan_and_edits(trace: Trace, place: HistoryUrl | None) -> tuple[Iterable[PlannedStep], list[Edit]]:
    """The steps of the flow of a run that did not succeed, and what to edit; nothing that is not known."""
    if trace.run.status == "success":
        return (), []
    from one_trace.cli.edits import after

    with history_of(place) as history:
        plan = history.planned(trace.run.trace_id)
        return plan.values(), after(history, trace, plan)


def _filtered(trace: Trace, *, failed: bool, step: str | None, depth: int | None) -> Shown:
    if not failed and step is None and depth is None:
        return Shown(trace)
    from one_trace.view import pick

    named: list[Span] = []
    hidden: dict[str, int] = {}
    if failed:
        trace = pick.failed(trace)
    if step is not None:
        trace, named = pick.step(trace, step)
    if depth:
        trace, hidden = pick.depth(trace, depth)
    trace.filter = Filter(failed=failed, step=step, depth=depth)
    return Shown(trace, named, hidden=hidden)


def _with_step(shown: Shown, ref: str, place: HistoryUrl | None, *, with_output: bool) -> Shown:
    """Add where the named step is written, and its output if that was asked for."""
    from one_trace.cli.places import places_of
    from one_trace.model.tree import static_paths

    run = shown.trace.run
    paths = static_paths(run.flow_key, shown.trace.spans)
    named = {paths.get(span.span_id, "") for span in shown.named}
    shown = shown._replace(at=places_of(run, place)(named.pop()) if len(named) == 1 else None)
    if not with_output:
        return shown
    from one_trace.cli.step_output import only, output_of

    return shown._replace(output=output_of(run, only(shown.named, ref)))


def _followed(run: str | None, speaker: Out, timeout_s: float | None) -> tuple[Trace, bool]:
    from one_trace.cli.follow import follow

    followed = follow(run or RUNNING, speaker, timeout_s)
    return followed.trace, followed.interrupted


def _page(speaker: Out, shown: Shown, edits: Sequence[Edit], *, failed: bool, unfold: bool) -> str:
    from one_trace.view.tree import ERROR_LINES, render

    page = render(
        shown.trace,
        width=speaker.width,
        color=speaker.color,
        unicode=speaker.unicode,
        unfold=unfold,
        notes={span_id: f"(+{count:,} inside)" for span_id, count in shown.hidden.items()},
        detail=shown.named,
        at=shown.at,
        error_lines=_FAILED_LINES if failed else ERROR_LINES,
        empty="nothing failed" if failed else "no steps to show",
    )
    if edits:
        from one_trace.view.edit_list import render_edits

        page += render_edits(edits, speaker.page)
    return page if shown.output is None else page + _output(speaker, shown.output)


def _output(speaker: Out, output: StepOutput) -> str:
    from one_trace.view import words
    from one_trace.view.detail import output_lines
    from one_trace.view.style import Style

    text = output.text or ""
    part = f", the first {len(text):,} characters" if output.cut else ""
    note = output.problem or f"{words.size(output.bytes)}{part}"
    style = Style(color=speaker.color, unicode=speaker.unicode)
    return "\n".join(output_lines(note, text, speaker.width, style)) + "\n"


def _show_slow(speaker: Out, whole: Trace, shown: Trace, most: int, place: HistoryUrl | None) -> None:
    from one_trace.cli.places import places_of
    from one_trace.view.slow import render_slow, slow, with_places

    only = None if shown is whole else {span.span_id for span in shown.spans}
    found = with_places(slow(whole, most, only, shown.filter or None), whole, places_of(whole.run, place))
    speaker.answer(
        found, lambda: render_slow(found, width=speaker.width, color=speaker.color, unicode=speaker.unicode)
    )


def _show_events(speaker: Out, trace: Trace) -> None:
    from one_trace.cli.configured import configured_to_send
    from one_trace.deliver.masking import sanitized
    from one_trace.outbound.events import lines
    from one_trace.view.event_list import EventsDocument, render_events

    events = lines(sanitized(trace, configured_to_send()))
    document = EventsDocument(run=trace.run, events=events, filter=trace.filter)
    speaker.answer(
        document,
        lambda: render_events(
            trace.run, document.events, width=speaker.width, color=speaker.color, unicode=speaker.unicode
        ),
    )
