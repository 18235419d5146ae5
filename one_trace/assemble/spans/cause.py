"""Why a run failed: where the failure that ended the flow was thrown. It is the same all the way up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from one_trace.assemble.ground.executions import Execution, prefix_of
from one_trace.assemble.ground.ground import Ground
from one_trace.assemble.search.readings import Reading
from one_trace.engine.rules import BASH_TIMEOUT_MS
from one_trace.model.trace import Cause
from one_trace.record.tolerant import bounded_number

_LIST_LIMIT = 50
_UNREPORTED = "Cannot set property message of "


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
        return _flow_itself(ground, error, ran=bool(executions))
    certain = [each for each in chain if not (reading.end.guessed and each.where.silent)]
    cause = max(certain or chain, key=lambda each: (each.path.count(" > "), each.number))
    text = cause.error if cause.error is not None else error
    code = code_of(cause, text)
    kind, guessed = _class_of(text, code, cause.node.type)
    if guessed and _ran_out_of_time(cause, text):
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
        still_running=running[:_LIST_LIMIT],
        never_ran=after[:_LIST_LIMIT],
        derived=[*(["path"] if doubted else []), *(["class"] if guessed else [])],
    )


def _flow_itself(ground: Ground, error: str | None, *, ran: bool) -> Cause:
    """`ran`: whether any of its steps did."""
    kind, guessed = _class_of(error, None, None)
    nodes = ground.flows.root.root.nodes[:_LIST_LIMIT] if not ran else []
    return Cause(
        span_id=None,
        path=ground.prefix,
        error=error,
        error_class=kind,
        never_ran=[f"{ground.prefix} > {node.id}" for node in nodes],
        derived=["class"] if guessed else [],
    )


def _class_of(error: str | None, code: str | None, step_type: str | None) -> tuple[str | None, bool]:
    """As `error_class`, whose patterns are of use for a failed run alone."""
    from one_trace.assemble.spans.error_class import error_class

    return error_class(error, code, step_type)


def code_of(each: Execution, error: str | None) -> str | None:
    """``TIMEOUT`` for a step whose own time-out was thrown; else the `code` that its result has."""
    if each.result is not None and each.result.error_code:
        return each.result.error_code
    status = each.status or "incomplete"
    thrown = status in ("error", "incomplete") and (error or "").startswith(each.node.timed_out)
    return "TIMEOUT" if status == "timeout" or thrown else None


def _ran_out_of_time(each: Execution, error: str | None) -> bool:
    """What the host's words do not say: a command that it ended by the command's own limit, and a code step
    whose abort signal went off, of which the host cannot report the message."""
    text, config = error or "", each.node.config
    if each.node.type == "bash" and text.startswith("Command failed: ") and each.end is not None:
        return each.end - each.attempt_start >= (bounded_number(config.get("timeout")) or BASH_TIMEOUT_MS)
    source = config.get("source")
    return text.startswith(_UNREPORTED) and isinstance(source, str) and "Abort" in source


def _ran_at(each: Execution, moment: float | None) -> bool:
    """Whether it was under way at that moment, in epoch ms."""
    if moment is None or each.status == "skipped" or each.start > moment:
        return False
    return each.end is None or each.end > moment


def _behind(each: Execution) -> Iterator[str]:
    """The steps behind it in its list."""
    if each.where.silent or each.where.index is None:
        return
    inside = prefix_of(each)
    for node in each.node.step_list.nodes[each.where.index + 1 :]:
        yield f"{inside} > {node.id}"
