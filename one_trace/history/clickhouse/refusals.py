"""Why a server did not answer a question: from its status and code, in words that say what to do."""

from __future__ import annotations

import re
from typing import NamedTuple

from one_trace.deliver.answer import Answer
from one_trace.deliver.http_client import HttpClient
from one_trace.errors import CliError, NetworkError, NotAuthorised

DDL = "one trace history ddl"
HINT = "Check it: one trace doctor. The runs of this machine: --from local"
_CODE = re.compile(rb"Code: ([0-9]{1,5})\b")
_EXCEPTION = re.compile(r"\ACode: [0-9]+\. (?:DB::Exception: )?")
_REFUSED = 516
_NARROWER = "Ask for less: a FLOW, --since 7d, --limit."
_LONGEST = 2000


class _Meaning(NamedTuple):
    """What a code of ClickHouse's means here. `says`: what happened, after the name of the history."""

    codes: frozenset[int]
    kind: type[CliError]
    code: str
    says: str
    hint: str
    fix: str | None = None


_MEANINGS = (
    _Meaning(
        frozenset((192, 193, 194, 516)),
        NotAuthorised,
        "history-refused",
        "does not know the user and password that are set",
        "one trace login --history, or set ONE_TRACES_HISTORY_PASSWORD.",
    ),
    _Meaning(
        frozenset((497,)),
        NotAuthorised,
        "history-refused",
        "does not let the user read{reason}",
        "GRANT SELECT ON its database to the user ('one trace help fleet').",
    ),
    _Meaning(
        frozenset((16, 36, 47, 60, 81)),
        CliError,
        "no-history-tables",
        "lacks a table or column that this version reads{reason}",
        f"{DDL} prints the statements that make them.",
        DDL,
    ),
    _Meaning(
        frozenset((159, 160, 209, 210)),
        NetworkError,
        "history-slow",
        "did not answer within the time limit",
        _NARROWER,
    ),
    _Meaning(
        frozenset((158, 241, 307, 396)), CliError, "history-limit", "stopped at a limit{reason}", _NARROWER
    ),
    _Meaning(
        frozenset((164, 452)),
        CliError,
        "history-refused",
        "refused the limits of the question{reason}",
        "Give the user a profile with readonly = 2, so that a question can have limits.",
    ),
    _Meaning(
        frozenset((202, 203, 252, 999)),
        NetworkError,
        "network",
        "is too busy{reason}",
        "Ask again later. The runs of this machine: --from local",
    ),
)


def refusal(answer: Answer, client: HttpClient) -> CliError:
    """The error that an answer of any other status than 200 means."""
    code = _code(answer)
    if code is None and answer.status in (401, 403):
        code = _REFUSED
    words = client.quote(_EXCEPTION.sub("", answer.body[:_LONGEST].decode("utf-8", "replace")))
    reason, who = f": {words}" if words else "", f"the history at {client.base}"
    for meaning in _MEANINGS:
        if code in meaning.codes:
            message = f"{who} {meaning.says.replace('{reason}', reason)}"
            return meaning.kind(message, hint=meaning.hint, code=meaning.code, fix=meaning.fix)
    if code is None:
        return NetworkError(f"{who} answered {answer.status}{reason}", hint=HINT)
    return CliError(f"{who} refused the question (code {code}){reason}", code="history-refused")


def _code(answer: Answer) -> int | None:
    """ClickHouse's own code; None for an answer of something else, such as a proxy."""
    header = answer.headers.get("x-clickhouse-exception-code", "")
    if header.isascii() and header.isdecimal():
        return int(header[:5])
    found = _CODE.match(answer.body)
    return int(found[1]) if found else None
