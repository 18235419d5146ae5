"""The state file: what the executor knew of the run when it last saved it. Outputs stay raw."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw, Struct

from one_trace.record.tolerant import (
    ABSENT,
    UNREADABLE,
    Count,
    Number,
    bounded_count,
    bounded_number,
    parse_json,
    raw_items,
    raw_members,
    replace_surrogates,
    to_text,
)

_STARTED = re.compile(rb'"startedAt"\s*:\s*"([0-9TZ:.\-]{20,30})"')


class Result(Struct, rename="camel", gc=False):
    """A step's result. `output` and `response` are raw JSON, `ABSENT` if there is none."""

    status: str = ""
    output: Raw = ABSENT
    response: Raw = ABSENT
    error: str | None = None
    error_code: str | None = None
    duration_ms: Number | None = None
    retries: Count | None = None


class Context(Struct):
    """The flow's context. `input`: the inputs as accepted. Nothing is read from `env` but whether it is
    empty: the host writes its whole environment there, secrets included."""

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

    @property
    def saves(self) -> int | None:
        """How many steps had completed when it was written; None if it does not say."""
        completed = raw_items(self.completed_steps)
        return None if completed is None else len(completed)

    @property
    def built_in(self) -> bool:
        """The built-in runner leaves the environment empty; One CLI stores all of it."""
        return self.context is not None and bytes(self.context.env) == b"{}"


_states = msgspec.json.Decoder(State)
_results = msgspec.json.Decoder(Result)


def read_state(data: bytearray) -> tuple[State | None, str | None]:
    """The state, or None and the reason in one sentence. `data` may be changed in place."""
    if not data or data.isspace():
        return None, "the state file is empty"
    try:
        return _states.decode(data), None
    except msgspec.ValidationError as error:
        return None, f"the state file has another form ({error})"
    except UNREADABLE:
        pass
    if replace_surrogates(data):
        try:
            return _states.decode(data), None
        except UNREADABLE:
            pass
    return None, f"the state file is cut or damaged ({len(data)} bytes)"


def started_at(data: bytes | bytearray) -> str | None:
    """`startedAt` of a state that cannot be read as a whole."""
    found = _STARTED.search(data[:4096])
    return found.group(1).decode("ascii") if found else None


def read_result(raw: Raw | bytes) -> Result | None:
    """A step's result; None if it is not one. Fields of another type are left out."""
    try:
        return _results.decode(raw)
    except UNREADABLE:
        pass
    parts = raw_members(raw)
    if parts is None:
        return None
    plain = {name: _plain(part) for name, part in parts.items() if name not in ("output", "response")}
    text = {name: value for name, value in plain.items() if isinstance(value, str)}
    return Result(
        status=text.get("status", ""),
        output=parts.get("output", ABSENT),
        response=parts.get("response", ABSENT),
        error=text.get("error"),
        error_code=text.get("errorCode"),
        duration_ms=bounded_number(plain.get("durationMs")),
        retries=bounded_count(plain.get("retries")),
    )


def _plain(raw: Raw) -> object:
    try:
        return parse_json(to_text(raw))
    except ValueError:
        return None
