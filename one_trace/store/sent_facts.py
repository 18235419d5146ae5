"""What is sent to an OpenTelemetry collector besides the trace: facts that the store has of a run."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from one_trace.model.trace import FlowDefinition, ModelUsage, PartedUsage, PlannedStep
from one_trace.store.connection import Row
from one_trace.store.reader import Reader, number_sql
from one_trace.store.rows import encode_text

_RUN = number_sql("?1")
_plan = msgspec.json.Decoder(list[PlannedStep])
_paths = msgspec.json.Decoder(list[str])
_timeouts = msgspec.json.Decoder(dict[str, float])
_place = msgspec.json.Decoder(dict[str, str | int])
_parted = msgspec.json.Decoder(PartedUsage)


def definition(store: Reader, key: str) -> FlowDefinition | None:
    """The definition of the flow that the run with this key or trace id ran; None where it is not known."""
    sql = (
        "SELECT version, static_paths, step_timeouts, plan FROM flow_versions "
        f"WHERE id = (SELECT flow_version FROM runs WHERE id = {_RUN})"
    )
    row: Row | None = store.connection.execute(sql, (key,)).fetchone()
    if row is None:
        return None
    version, paths, timeouts, plan = row
    with store.decoding():
        return FlowDefinition(
            version=version,
            static_paths=_paths.decode(paths),
            step_timeouts=_timeouts.decode(timeouts),
            plan=_plan.decode(plan or "[]"),
        )


def model_parts(store: Reader, key: str) -> dict[str, dict[str, ModelUsage]]:
    """By span id: what each model used in a call of several models."""
    sql = (
        f"SELECT span_id, usage FROM spans WHERE run = {_RUN} "
        "AND usage IS NOT NULL AND instr(usage, '\"perModel\"')"
    )
    with store.decoding():
        return {
            span_id: _parted.decode(usage).per_model
            for span_id, usage in store.connection.execute(sql, (key,)).fetchall()
        }


def place(store: Reader, key: str) -> dict[str, str | int]:
    """Attributes of the resource by name: where a run took place, as far as it is known."""
    row: Row = store.connection.execute(f"SELECT place FROM runs WHERE id = {_RUN}", (key,)).fetchone()
    with store.decoding():
        return _place.decode(row[0]) if row[0] is not None else {}


def contexts(store: Reader, trace_ids: Sequence[str]) -> dict[str, str]:
    """The W3C trace contexts in which runs were started, by the trace ids of the runs."""
    sql = (
        "SELECT trace_id, traceparent FROM runs WHERE traceparent IS NOT NULL "
        "AND trace_id IN (SELECT value FROM json_each(?))"
    )
    return dict(store.connection.execute(sql, (encode_text(list(trace_ids)),)).fetchall())


def queued_ms(store: Reader, key: str, sink: str) -> int | None:
    """When the present content of a run was queued for a sink, in ms since 1970; None if it never was."""
    sql = (
        "SELECT queued_ms FROM outbox JOIN runs ON runs.id = run AND runs.revision = outbox.revision "
        f"WHERE run = {_RUN} AND sink = ?2"
    )
    row: Row | None = store.connection.execute(sql, (key, sink)).fetchone()
    return int(row[0]) if row is not None else None
