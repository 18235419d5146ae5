"""The place of an execution in the tree of a run: which step, in which attempt, iteration and branch of what.

A path does not do: two steps of a list may have one id.
"""

from __future__ import annotations

import re

from one_trace.model.trace import Trace
from tests.true_tree import TrueSpan


def of_reading(trace: Trace) -> dict[str, str]:
    """Place by span id."""
    root = re.compile(re.escape(trace.run.flow_key) + r"#(\d+) > ")
    found: dict[str, str] = {}
    for span in trace.spans:
        again = root.match(span.path)
        above = found.get(span.parent_span_id or "", f"run {again[1] if again else 1}")
        found[span.span_id] = place(
            above, span.parent_attempt, span.iteration, span.branch, span.index, span.step_id
        )
    return found


def of_run(span: TrueSpan, above: str | None) -> str:
    """`above`: the place of its parent."""
    if above is None:
        above = f"run {span.get('resume', 0) + 1}"
    return place(
        above, span["parentAttempt"], span["iteration"], span["branch"], span["index"], span["stepId"]
    )


def of_spans(spans: list[TrueSpan]) -> list[str]:
    found: list[str] = []
    for span in spans:
        found.append(of_run(span, found[span["parent"] - 1] if span["parent"] is not None else None))
    return found


def place(
    above: str,
    attempt: int | None,
    iteration: int | None,
    branch: str | None,
    index: int | None,
    step_id: str,
) -> str:
    again = f"#{attempt}" if attempt is not None and attempt > 1 else ""
    turn = f"[{iteration}]" if iteration is not None else ""
    return f"{above}{again}{turn} > {branch or ''}{index}:{step_id}"
