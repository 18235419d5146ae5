"""The run and its spans, of what a reading has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from one_trace.assemble.flowtree.planned import add_plan
from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.ground import Ground
from one_trace.assemble.ground.script import FOLLOWED
from one_trace.assemble.search.readings import Reading
from one_trace.assemble.sizes.compact import member_count
from one_trace.assemble.sizes.inputs import Inputs
from one_trace.assemble.sizes.measured import Measured
from one_trace.assemble.sizes.usage import drop_copies, take_parts
from one_trace.assemble.sizes.views import Views
from one_trace.assemble.spans.cause import find_cause
from one_trace.assemble.spans.commands import command_ends, is_failed_command
from one_trace.assemble.spans.order import in_order, span_ids
from one_trace.assemble.spans.span import span_of
from one_trace.assemble.spans.whole import run_of, saved_status, start_of, trace_id
from one_trace.model.trace import Assembly, RunStatus, Span, Trace
from one_trace.record.reading import Record

_NO_NEWS = frozenset(
    {"flow:deprecation", "flow:warning", "step:mock", "step:page", "step:retry-skip", "workflow:result"}
)
"""Known events that say nothing of the tree that others do not say as well."""
_KIND_CHARS = 80
_KINDS = 50


def assembly_of(ground: Ground, reading: Reading, outputs_of: Collection[str]) -> Assembly:
    """`outputs_of`: ids of spans whose outputs are wanted."""
    record = ground.record
    started_at, start = start_of(record)
    ordered = in_order(reading.executions)
    ids = span_ids(ordered, trace_id(record.files.run_id, started_at))
    orders: Counter[int] = Counter()
    spans = [span_of(each, record.lines, ids, start, orders) for each in ordered]
    drop_copies(spans)
    parts = take_parts(spans)
    views, inputs = Views(ground.stored), Inputs(record)
    _weigh_inputs(Measured(record), inputs, views, zip(ordered, spans, strict=True))
    failed = [pair for pair in zip(ordered, spans, strict=True) if is_failed_command(pair[1])]
    ends = command_ends(inputs, [(views.of(each), shown) for each, shown in failed])
    views.close()
    status, ended = _outcome(record, reading)
    run = run_of(
        record,
        spans,
        (started_at, start),
        status=status,
        ended=ended,
        faults=_faults(ground, reading, spans),
        others=_others(record),
    )
    if run.status == "error":
        error = next(
            (line.error for line in reversed(record.lines) if line.msg.startswith("Flow failed")), None
        )
        run.cause = find_cause(ground, ordered, reading, error, ids)
    outputs = {
        shown.span_id: bytes(each.result.output)
        for each, shown in zip(ordered, spans, strict=True)
        if shown.span_id in outputs_of and each.result is not None
    }
    assembly = Assembly(
        trace=Trace(run=run, spans=spans),
        model_parts=parts,
        input_count=member_count(record.state.inputs) if record.state is not None else None,
        command_ends=ends,
        outputs=outputs,
    )
    if record.flow is not None:
        add_plan(assembly, record, record.flow, ground.flows.trees)
    return assembly


def _weigh_inputs(
    measured: Measured, inputs: Inputs, views: Views, spans: Iterable[tuple[Execution, Span]]
) -> None:
    for each, shown in spans:
        if shown.status == "skipped":
            continue
        if measured.any:
            shown.input_bytes = measured.bytes_of(views.of(each))
        if shown.input_bytes is None and each.node.index is not None:
            always = inputs.always(each.node)
            shown.input_bytes = always if always is not None else inputs.bytes_of(views.of(each))
            shown.derived.append("inputBytes")


def _faults(ground: Ground, reading: Reading, spans: list[Span]) -> list[str]:
    faults = ground.record.faults + ground.faults
    unsure = sum("iteration" in span.derived for span in spans)
    if reading.conflict is not None and reading.choices:
        no_reading = f"no reading of the log was found that nothing contradicts: {unsure} spans may be others"
        return [*faults, no_reading] if unsure else faults
    return [*faults, *reading.misplaced]


def _others(record: Record) -> dict[str, int]:
    """Kinds of events that are not known, and how many there were: so much of a name, and so many kinds."""
    others: Counter[str] = Counter()
    for line in record.lines:
        if line.event is not None and line.event not in FOLLOWED and line.event not in _NO_NEWS:
            kind = line.event[:_KIND_CHARS]
            if kind in others or len(others) < _KINDS:
                others[kind] += 1
    return dict(others)


def _outcome(record: Record, reading: Reading) -> tuple[RunStatus, float | None]:
    """By the root flow's last event, or the host's last word."""
    outcome: RunStatus | None = None
    ended: float | None = None
    for line in record.lines:
        if line.event is None and line.msg == "Flow resumed":
            outcome = ended = None
        elif line.event is None and line.msg.startswith("Flow failed"):
            outcome, ended = "error", line.at
        elif line.event is None and line.msg.startswith("Flow completed"):
            outcome, ended = outcome or "success", line.at
        elif line.event == "flow:stopped" and line.flow_key == record.files.flow_key:
            outcome = "stopped"
    return outcome or reading.end.outcome or saved_status(record), ended
