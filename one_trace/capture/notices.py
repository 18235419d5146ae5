"""The lines on stderr that a traced run adds. They lean on nothing but the standard library: they have to
work where all else is broken.
"""

from __future__ import annotations

from one_trace.errors import CliError, StoreError
from one_trace.guard import streams


def report_error(error: CliError, *, agent: bool) -> None:
    """What is wrong with tracing, and what to do next."""
    if agent:
        say({"event": "trace:trouble", "code": error.code, "message": error.message, "hint": error.hint})
    else:
        say(f"one-trace: {error.message}" + (f". {error.hint}" if error.hint else ""))


def as_error(error: BaseException, what: str = "this run is") -> CliError:
    """What went wrong, said of the run that is not traced because of it."""
    if isinstance(error, CliError):
        hint = error.hint_for_run if isinstance(error, StoreError) else error.hint
        return CliError(f"{what} not traced: {error.message}", hint=hint, code=error.code)
    return CliError(f"{what} not traced: {type(error).__name__}: {error}", code="trace-failed")


def say(line: str | dict[str, object]) -> None:
    """One line on stderr, whatever has become of stderr: text for people, a document for agents with all but
    ASCII in it escaped.
    """
    if isinstance(line, str):
        streams.say(line)
    else:
        streams.say_bytes(_document(line).encode() + b"\n")


def _document(value: object) -> str:
    """As JSON. A module called `json` may be anything: what is first on PYTHONPATH."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_document(str(key))}:{_document(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_document, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(map(_escaped, value)) + '"'
    words = {None: "null", True: "true", False: "false"}
    return next((word for each, word in words.items() if value is each), str(value))


def _escaped(letter: str) -> str:
    if " " <= letter <= "~" and letter not in '"\\':
        return letter
    utf16 = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{utf16[at : at + 2].hex()}" for at in range(0, len(utf16), 2))


def say_page(page: str) -> None:
    """A page of ours on stderr, its styles and lines kept."""
    from one_trace.guard.text import clean_page

    streams.say_bytes(clean_page(page, styled=True).rstrip("\n").encode() + b"\n")
