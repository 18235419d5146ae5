"""Why a server did not answer a question: from its status and code, in words that say what to do."""

from __future__ import annotations

import re

from one_trace.deliver.answer import Answer
from one_trace.deliver.http_client import HttpClient
from one_trace.errors import CliError, NetworkError, NotAuthorised

DDL = "one trace history ddl"
_CODE = re.compile(rb"Code: ([0-9]{1,5})\b")
_EXCEPTION = re.compile(r"\ACode: [0-9]+\. (?:DB::Exception: )?")
_UNKNOWN_USER = frozenset((192, 193, 194, 516))
_NOT_GRANTED = 497
_NO_TABLES = frozenset((16, 36, 47, 60, 81))
"""No such column, setting of a view, identifier, table, database."""
_TOO_SLOW = frozenset((159, 160, 209, 210))
_BUSY = frozenset((202, 203, 252, 999))
_TOO_MUCH = frozenset((158, 241, 307, 396))
_READONLY = 164
_NARROWER = "Ask for less: a FLOW, --since 7d, --limit."
_LONGEST = 2000


def refusal(answer: Answer, client: HttpClient) -> CliError:
    """The error that an answer of any other status than 200 means."""
    code = _code(answer)
    words = client.quote(_EXCEPTION.sub("", answer.body[:_LONGEST].decode("utf-8", "replace")))
    said = f": {words}" if words else ""
    who = f"the history at {client.base}"
    if code in _UNKNOWN_USER or (code is None and answer.status in (401, 403)):
        return NotAuthorised(
            f"{who} does not know the user and password that are set",
            hint="one trace login --history, or set ONE_TRACES_HISTORY_PASSWORD.",
            code="history-refused",
        )
    if code == _NOT_GRANTED:
        hint = "GRANT SELECT ON its database to the user ('one trace help fleet')."
        return NotAuthorised(f"{who} does not let the user read{said}", hint=hint, code="history-refused")
    if code in _NO_TABLES:
        return CliError(
            f"{who} lacks a table or column that this version reads{said}",
            hint=f"{DDL} prints the statements that make them.",
            code="no-history-tables",
            fix=DDL,
        )
    if code in _TOO_SLOW:
        return NetworkError(f"{who} did not answer within the time limit", hint=_NARROWER, code="history-slow")
    if code in _TOO_MUCH:
        return CliError(f"{who} stopped at a limit{said}", hint=_NARROWER, code="history-limit")
    if code == _READONLY:
        hint = "Give the user a profile with readonly = 2 or 0, so that limits can be set for a question."
        return CliError(f"{who} refused the limits of the question{said}", hint=hint, code="history-refused")
    if code is None or code in _BUSY:
        return NetworkError(f"{who} answered {answer.status}{said}", hint="one trace doctor")
    return CliError(f"{who} refused the question (code {code}){said}", code="history-refused")


def _code(answer: Answer) -> int | None:
    """ClickHouse's own code; None for an answer of something else, such as a proxy."""
    header = answer.headers.get("x-clickhouse-exception-code", "")
    if header.isascii() and header.isdecimal():
        return int(header[:5])
    found = _CODE.match(answer.body)
    return int(found[1]) if found else None
