"""The file of a baseline: written with a step on each line, so that a change of one is a change of one line.

Whoever can change the repository may have written the file: it is read only up to a size, and checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from one_trace.errors import CliError
from one_trace.export.document import InvalidDocument, check_schema, decoded
from one_trace.guard.files import MIB, read_plain
from one_trace.guard.text import clean, json_bytes
from one_trace.model.baseline import LONGEST_PATH, SCHEMA, Baseline, Range

FILE_LIMIT = 4 * MIB
MOST_STEPS = 10_000
_LARGEST = 2**53
_HINT = "Make one: one trace baseline FLOW -o FILE"


def to_file(baseline: Baseline) -> bytes:
    """The same baseline always gives the same bytes."""
    members = zip(baseline.__struct_encode_fields__, baseline.__struct_fields__, strict=True)
    lines = [
        b"  %s: %s" % (json_bytes(name), json_bytes(getattr(baseline, field)))
        for name, field in members
        if field != "steps"
    ]
    steps = b",\n".join(b"    " + json_bytes(step) for step in baseline.steps)
    lines.append(b'  "steps": [\n%s\n  ]' % steps if steps else b'  "steps": []')
    return b"{\n" + b",\n".join(lines) + b"\n}\n"


def read_baseline(path: Path) -> Baseline:
    """Raises CliError with one line that names the file and what is wrong with it."""
    name = clean(str(path))
    try:
        data = bytes(read_plain(path, FILE_LIMIT))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise CliError(f"{name}: {reason}", hint=_HINT, code="os-error") from error
    try:
        check_schema(data, SCHEMA)
        baseline = decoded(data, Baseline)
        _check(baseline)
    except InvalidDocument as problem:
        raise InvalidDocument(f"{name}: {problem.message}", hint=_HINT) from problem
    return baseline


def _check(baseline: Baseline) -> None:
    """What the types do not say: ranges, lengths, and that no step occurs twice."""
    if not 0 < len(baseline.flow_key) <= LONGEST_PATH:
        raise InvalidDocument("flowKey: is empty or too long")
    if not 0 < baseline.runs <= _LARGEST:
        raise InvalidDocument("runs: is out of range")
    if len(baseline.steps) > MOST_STEPS:
        raise InvalidDocument(f"steps: are more than {MOST_STEPS:,}")
    seen: set[str] = set()
    for number, step in enumerate(baseline.steps):
        if not 0 < len(step.path) <= LONGEST_PATH or len(step.type) > LONGEST_PATH:
            raise InvalidDocument(f"steps[{number}]: its path or type is empty or too long")
        if step.path in seen:
            raise InvalidDocument(f"steps[{number}].path: another step has it too")
        seen.add(step.path)
        if not all(0 <= count <= _LARGEST for count in (step.runs, step.count, step.retries)):
            raise InvalidDocument(f"steps[{number}]: a count is out of range")
    for where, figure in _figures(baseline):
        _check_figure(where, figure)


def _figures(baseline: Baseline) -> Iterator[tuple[str, Range | None]]:
    yield "durationMs", baseline.duration_ms
    yield "costUsd", baseline.cost_usd
    for number, step in enumerate(baseline.steps):
        yield f"steps[{number}].durationMs", step.duration_ms
        yield f"steps[{number}].outputBytes", step.output_bytes
        yield f"steps[{number}].costUsd", step.cost_usd


def _check_figure(where: str, figure: Range | None) -> None:
    if figure is None:
        return
    ordered = [value for value in (figure.low, figure.p50, figure.high) if value is not None]
    if not 0 <= ordered[0] <= ordered[-1] <= _LARGEST or ordered != sorted(ordered):
        raise InvalidDocument(f"{where}: is out of range")
