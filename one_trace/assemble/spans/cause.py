"""Why a run failed: where the failure that ended the flow was thrown. It is the same all the way up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from one_trace.assemble.ground.executions import Execution, prefix_of
from one_trace.assemble.ground.ground import Ground
from one_trace.assemble.search.readings import Reading
from one_trace.assemble.spans.thrown import (
    LIST_LIMIT,
    class_of,
    flow_cause,
    own_code,
    ran_at,
    ran_out_of_time,
)
from one_trace.model.trace import Cause


def find_cause(
    ground: Ground,
    executions: Sequence[Execution],
    reading: Reading,
    error: str | None,
    ids: dict[int, str],
) -> Cause:
    """The flow itself where no step threw: its inputs were refused."""
    chain = [each for each in executions if each.failure is not None and each.failure is reading.end.failure]
    chain = chain or [
        each for each in executions if each.status == "error" and each.error == error is not None
    ]
    if not chain:
        nodes = ground.flows.root.root.nodes if not executions else []
        return flow_cause(ground.prefix, error, [f"{ground.prefix} > {node.id}" for node in nodes])
    certain = [each for each in chain if not (reading.end.guessed and each.where.silent)]
    cause = max(certain or chain, key=lambda each: (each.path.count(" > "), each.number))
    text = cause.error if cause.error is not None else error
    code = code_of(cause, text)
    kind, guessed = class_of(text, code, cause.node.type)
    if guessed and ran_out_of_time(cause.node, text, _took(cause)):
        kind = "TIMEOUT"
    top = min(chain, key=lambda each: each.number)
    thrown = cause.end if cause.end is not None else top.end
    running = [each.path for each in executions if each not in chain and _ran_at(each, thrown)]
    after = [path for each in chain for path in _behind(each)]
    doubted = any(each.doubts and "iteration" in each.doubts for each in chain)
    return Cause(
        span_id=ids[cause.number],
        path=cause.path,
        error=text,
        step_id=cause.node.id,
        error_code=code,
        error_class=kind,
        at=ground.flows.trees.place(cause.node),
        attempts=cause.attempts,
        still_running=running[:LIST_LIMIT],
        never_ran=after[:LIST_LIMIT],
        derived=[*(["path"] if doubted else []), *(["class"] if guessed else [])],
    )


def code_of(each: Execution, error: str | None) -> str | None:
    """As `own_code`."""
    code = each.result.error_code if each.result is not None else None
    return own_code(each.node, each.status or "incomplete", error, code)


def _took(each: Execution) -> float | None:
    """Its last attempt, in ms."""
    return None if each.end is None else each.end - (each.again[-1][1] if each.again else each.start)


def _ran_at(each: Execution, moment: float | None) -> bool:
    return ran_at(each.status, each.start, each.end, moment)


def _behind(each: Execution) -> Iterator[str]:
    """The steps behind it in its list."""
    if each.where.silent or each.where.index is None:
        return
    inside = prefix_of(each)
    for node in each.node.step_list.nodes[each.where.index + 1 :]:
        yield f"{inside} > {node.id}"
