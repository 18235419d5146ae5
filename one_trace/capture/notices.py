"""The lines that a traced run adds to stderr. Standard library only: they report broken installs."""

from __future__ import annotations

from one_trace.errors import CliError, StoreError
from one_trace.guard import streams


def report_error(error: CliError, *, agent: bool) -> None:
    """Print what is wrong with tracing, and the hint."""
    if agent:
        say({"event": "trace:trouble", "code": error.code, "message": error.message, "hint": error.hint})
    else:
        say(f"one-trace: {error.message}" + (f". {error.hint}" if error.hint else ""))


def as_error(error: BaseException, what: str = "this run is") -> CliError:
    """The error as the reason why a run has no trace."""
    if isinstance(error, CliError):
        hint = error.hint_for_run if isinstance(error, StoreError) else error.hint
        return CliError(f"{what} not traced: {error.message}", hint=hint, code=error.code)
    return CliError(f"{what} not traced: {type(error).__name__}: {error}", code="trace-failed")


def say(line: str | dict[str, object]) -> None:
    """Print one line on stderr: text for people, or an ASCII-only JSON document for agents."""
    if isinstance(line, str):
        streams.say(line)
    else:
        streams.say_bytes(_json(line).encode() + b"\n")


def _json(value: object) -> str:
    """Our own encoder: a module called `json` on PYTHONPATH may shadow the standard one."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(str(key))}:{_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(map(_escaped, value)) + '"'
    constants = {None: "null", True: "true", False: "false"}
    return next((text for each, text in constants.items() if value is each), str(value))


def _escaped(letter: str) -> str:
    if " " <= letter <= "~" and letter not in '"\\':
        return letter
    utf16 = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{utf16[at : at + 2].hex()}" for at in range(0, len(utf16), 2))


def say_page(page: str) -> None:
    """Print a page on stderr, with its styles and line breaks."""
    from one_trace.guard.text import clean_page

    streams.say_bytes(clean_page(page, styled=True).rstrip("\n").encode() + b"\n")
