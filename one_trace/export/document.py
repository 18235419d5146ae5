"""Reading exported trace documents back: the inverse of `formats.to_json`.

Anybody may have written such a file. The result is a `Trace` that could be ours, or a CliError
that names file and field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct

from one_trace.errors import CliError
from one_trace.guard.files import MIB, read_plain
from one_trace.guard.text import clean
from one_trace.model import tags
from one_trace.model.times import to_ms
from one_trace.model.trace import SCHEMA, Counts, Run, Span, Trace, Usage

DOCUMENT_LIMIT = 128 * MIB
"""Bytes of a file of documents that are read: more than a quarter of a million spans."""
_LARGEST = 2**63 - 1
_EXPORT = "one trace export RUN --format json -o FILE"
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")
_NAME = re.compile(r"[A-Za-z]+")
_SIGNAL = re.compile(r"SIG[A-Z0-9]{1,20}")
_WHERE = re.compile(r"(?P<problem>.*) - at `\$\.?(?P<field>.*)`", re.DOTALL)

_NOT_NEGATIVE = (
    "iteration", "index", "parent_attempt", "attempts", "retries",
    "duration_ms", "input_bytes", "output_bytes",
)  # fmt: skip
_T = TypeVar("_T")
_span_numbers = attrgetter(*_NOT_NEGATIVE)


class InvalidDocument(CliError):
    code = "invalid-document"

    def __init__(self, message: str, hint: str = f"Export the whole run: {_EXPORT}") -> None:
        super().__init__(message, hint=hint)


class _Header(Struct):
    schema: Any = None


class Document(Struct, frozen=True):
    """One document in a file. `place` names it in messages: the file, and the line if there are several."""

    place: str
    data: bytes

    def trace(self) -> Trace:
        """Raises InvalidDocument; its message does not name the place."""
        check_schema(self.data, SCHEMA)
        trace = decoded(self.data, Trace)
        _check(trace)
        return trace


def documents(path: Path) -> Iterator[Document]:
    """The documents in a file: one, or one in each line (JSON Lines). Raises OSError."""
    data, name = bytes(read_plain(path, DOCUMENT_LIMIT).strip()), clean(str(path))
    if b"\n" not in data or not _is_json(data[: data.index(b"\n")]):
        yield Document(name, data)
        return
    for number, line in enumerate(BytesIO(data), 1):  # which ends a line at \n alone
        if line.strip():
            yield Document(f"{name}, line {number}", line)


def read_trace(path: Path) -> Trace:
    """The trace in a file with one document. Raises CliError."""
    try:
        found = list(islice(documents(path), 2))
    except OSError as error:
        raise CliError(f"{clean(str(path))}: {error.strerror or error}", code="os-error") from error
    if len(found) > 1:
        raise InvalidDocument(f"{clean(str(path))}: has several documents instead of one")
    try:
        return found[0].trace()
    except InvalidDocument as problem:
        raise InvalidDocument(f"{found[0].place}: {problem.message}") from problem


def check_schema(data: bytes, wanted: str) -> None:
    """Raises InvalidDocument if a document is of another schema, or of none."""
    schema = decoded(data, _Header).schema
    if schema != wanted:
        found = "without a schema" if schema is None else f"of schema {clean(str(schema), 40)}"
        raise InvalidDocument(f"not a {wanted} document, but one {found}")


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False
    return True


def decoded(data: bytes, kind: type[_T]) -> _T:
    """A document of somebody else. Raises InvalidDocument, which names the field that is wrong."""
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError:
        raise InvalidDocument("nested too deeply") from None
    except msgspec.ValidationError as error:
        found = _WHERE.fullmatch(str(error))
        where, problem = (found["field"], found["problem"]) if found else ("document", str(error))
        raise InvalidDocument(
            f"{clean(where, 80)}: {clean(problem[:1].lower() + problem[1:], 200)}"
        ) from None
    except (msgspec.MsgspecError, ValueError) as error:
        reason = clean(str(error), 200).removeprefix("JSON is malformed").strip(": ")
        raise InvalidDocument(f"not valid JSON: {reason}" if reason else "not valid JSON") from None


def _check(trace: Trace) -> None:
    """What the types do not say: ranges, the forms of ids and times, parents before children."""
    run = trace.run
    if trace.filter is not UNSET:
        raise InvalidDocument("filter: the document does not have all spans of its run")
    _check_run(run)
    if run.counts.spans != len(trace.spans):
        raise InvalidDocument(
            f"run.counts.spans: is {run.counts.spans}, but there are {len(trace.spans)} spans"
        )
    lengths: dict[str | None, int] = {None: len(run.flow_key)}
    for number, span in enumerate(trace.spans):
        _check_span(f"spans[{number}]", span, lengths)
    # A document that has all of these paths, as ours do, is longer than they are together.
    if sum(lengths.values()) > DOCUMENT_LIMIT:
        raise InvalidDocument("spans: nested too deeply")


def _check_run(run: Run) -> None:
    _check_form("run.traceId", run.trace_id, _TRACE_ID)
    if not run.run_id:
        raise InvalidDocument("run.runId: is empty")
    _check_time("run.startedAt", run.started_at)
    if run.ended_at is not None:
        _check_time("run.endedAt", run.ended_at)
    _check_range("run", ("duration_ms", "input_bytes"), (run.duration_ms, run.input_bytes))
    if run.exit:
        _check_range("run.exit", ("code", "duration_ms"), (run.exit.code, run.exit.duration_ms))
        _check_form("run.exit.signal", run.exit.signal or "SIG0", _SIGNAL)
    _check_range("run.counts", Counts.__struct_fields__, msgspec.structs.astuple(run.counts))
    if run.usage is not None:
        _check_usage("run.usage", run.usage)
    if len(run.tags) > tags.MOST or not all(tags.is_tag(*tag) for tag in run.tags.items()):
        raise InvalidDocument("run.tags: too many, or of an unknown form")
    for upload in run.uploads:
        _check_range("run.uploads[]", ("attempts",), (upload.attempts,))
    if run.cause:
        _check_range("run.cause", ("attempts",), (run.cause.attempts,))
    if run.other_events:
        _check_range("run.otherEvents", tuple(run.other_events), tuple(run.other_events.values()))


def _check_span(where: str, span: Span, lengths: dict[str | None, int]) -> None:
    """`lengths`: of the static path of each span so far, by its id."""
    _check_form(f"{where}.spanId", span.span_id, _SPAN_ID)
    if span.span_id in lengths:
        raise InvalidDocument(f"{where}.spanId: another span has it too")
    if span.parent_span_id not in lengths:
        raise InvalidDocument(f"{where}.parentSpanId: no span before this one has that id")
    lengths[span.span_id] = lengths[span.parent_span_id] + len(" > ") + len(span.step_id)
    _check_time(f"{where}.startedAt", span.started_at)
    _check_range(where, _NOT_NEGATIVE, _span_numbers(span))
    _check_range(where, ("start_ms",), (span.start_ms,), -_LARGEST)
    for name in span.derived:
        _check_form(f"{where}.derived", name, _NAME)
    if span.usage is not None:
        _check_usage(f"{where}.usage", span.usage)


def _check_usage(where: str, usage: Usage) -> None:
    numbers = Usage.__struct_fields__[:6]
    _check_range(where, numbers, tuple(getattr(usage, name) for name in numbers), -_LARGEST)


def _check_range(where: str, names: Sequence[str], values: Sequence[float | None], least: int = 0) -> None:
    for name, value in zip(names, values, strict=True):
        if value is not None and not least <= value <= _LARGEST:
            raise InvalidDocument(f"{where}.{clean(_camel(name), 80)}: is out of range")


def _check_form(where: str, text: str, form: re.Pattern[str]) -> None:
    if form.fullmatch(text) is None:
        raise InvalidDocument(f"{where}: has an unknown form")


def _check_time(where: str, text: str) -> None:
    if to_ms(text) is None:
        raise InvalidDocument(f"{where}: is not an ISO 8601 time")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
