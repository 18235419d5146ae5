"""The state file: what the executor knew of the run when it last saved it. Outputs stay raw and are measured,
not decoded."""

from __future__ import annotations

import json
import re
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

MOST = 2**53
"""The largest number that is believed, in ms and in counts: beyond it a sum is no number any more."""
Count = Annotated[int, Meta(ge=0, le=MOST)]
Number = Annotated[int, Meta(ge=-MOST, le=MOST)] | Annotated[float, Meta(ge=-MOST, le=MOST)]

ABSENT = Raw(b"")
"""No value at all: msgspec has no `Raw | None`."""


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a part of a damaged or hostile record can throw."""


def present(raw: Raw) -> bool:
    return len(raw) > 0


class Result(Struct, rename="camel", gc=False):
    """What a step left behind. `output` and `response` are raw JSON, `ABSENT` where there is none."""

    status: str = ""
    output: Raw = ABSENT
    response: Raw = ABSENT
    error: str | None = None
    error_code: str | None = None
    duration_ms: Number | None = None
    retries: Count | None = None


class Context(Struct):
    """The flow's context. Of `env` nothing is read but whether it is empty. `input`: the inputs as they were
    accepted."""

    input: Raw = ABSENT
    env: Raw = ABSENT
    steps: dict[str, Raw] = {}


class State(Struct, rename="camel"):
    """``.one/flows/.runs/<key>-<runId>.state.json``."""

    run_id: str
    flow_key: str
    status: str = ""
    started_at: str = ""
    inputs: Raw = ABSENT
    context: Context | None = None
    completed_steps: Raw = ABSENT
    completed_at: str | None = None
    paused_at: str | None = None

    @property
    def saves(self) -> int | None:
        """How many steps had completed when it was written; None where it does not say."""
        if not present(self.completed_steps):
            return None
        try:
            return len(_raws.decode(self.completed_steps))
        except UNREADABLE:
            return None

    @property
    def built_in(self) -> bool:
        """The built-in runner leaves the environment empty; One CLI stores all of it."""
        return self.context is not None and bytes(self.context.env) == b"{}"


_raws = msgspec.json.Decoder(list[Raw])
_states = msgspec.json.Decoder(State)
_results = msgspec.json.Decoder(Result)
_SURROGATES = re.compile(rb"(?<!\\)(\\++)u([dD][89a-fA-F][0-9a-fA-F]{2})")
_STARTED = re.compile(rb'"startedAt"\s*:\s*"([0-9TZ:.\-]{20,30})"')


def read_state(data: bytearray) -> tuple[State | None, str | None]:
    """The state, or None and one sentence that says why not. `data` may be changed in place."""
    if not data or data.isspace():
        return None, "the state file is empty"
    try:
        return _states.decode(data), None
    except msgspec.ValidationError as error:
        return None, f"the state file is of another form ({error})"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    if replace_surrogates(data):
        try:
            return _states.decode(data), None
        except UNREADABLE:
            pass
    return None, f"the state file is cut or damaged ({len(data)} bytes)"


def replace_surrogates(data: bytearray) -> bool:
    """Replace lone surrogates, which JSON.stringify writes as ``\\udXXX``, by U+FFFD, in place; true
    if there was one."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return False
    lone = _lone_surrogates(data)
    for start in lone:
        data[start : start + 6] = b"\\ufffd"
    return bool(lone)


def _lone_surrogates(data: bytearray) -> list[int]:
    """Where the escapes of halves stand that have no other half."""
    lone: list[int] = []
    end_of_high = -1
    for found in _SURROGATES.finditer(data):
        if len(found[1]) % 2 == 0:
            continue  # each backslash is itself escaped
        start, low = found.end() - 6, int(found[2], 16) >= 0xDC00
        if low and start == end_of_high:
            lone.pop()
        else:
            lone.append(start)
        end_of_high = -1 if low else start + 6
    return lone


def started_at(data: bytes | bytearray) -> str | None:
    """`startedAt` of a state that cannot be read as a whole."""
    found = _STARTED.search(data[:4096])
    return found.group(1).decode("ascii") if found else None


def read_result(raw: Raw | bytes) -> Result | None:
    """A step's result; None where it is none of ours."""
    try:
        return _results.decode(raw)
    except UNREADABLE:
        return _lenient(bytes(raw))


def _lenient(raw: bytes) -> Result | None:
    """A result with a lone surrogate in its error text, or with a field of another type."""
    try:
        parts = msgspec.json.decode(raw, type=dict[str, Raw])
    except UNREADABLE:
        return None

    def word(name: str) -> str | None:
        value = _plain(parts.get(name))
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None

    return Result(
        status=word("status") or "",
        output=parts.get("output", ABSENT),
        response=parts.get("response", ABSENT),
        error=word("error"),
        error_code=word("errorCode"),
        duration_ms=believed(_plain(parts.get("durationMs"))),
        retries=counted(_plain(parts.get("retries"))),
    )


def raw_list(raw: Raw) -> list[Raw] | None:
    """The members of an array; None where it is none."""
    if not present(raw):
        return None
    try:
        return _raws.decode(raw)
    except UNREADABLE:
        return None


def believed(value: object) -> int | float | None:
    """A number within what is believed, else None."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and -MOST <= value <= MOST
    return value if number else None  # type: ignore[return-value]


def counted(value: object) -> int | None:
    """A whole number from 0 on within what is believed, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST else None


def _plain(raw: Raw | None) -> object:
    if raw is None:
        return None
    try:
        value: object = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        return None
    return value
