"""Error text without the commands and source lines that it quotes: they are a step's own and never leave.

The errors that quote them, and the rule for each:

* ``Code step "x" failed at line 3:7``, then one line of source, then the message: the source line goes.
* ``Command failed: `` and the command, of any number of lines, then its stderr. If the store knows where the
  command ends, the command goes, and the stderr stays as `_report` leaves it. If not (an old run, a changed
  flow file), everything after ``Command failed`` goes, and only known messages of the system are named.
* ``Code module "x" exited with code 1: `` and the stderr of its process, which stays as `_report` leaves it.

`_report` drops from a stderr: lines that contain a line of the command; traces of shells (``+ …``) and the
words they complain about (``sh: 1: word: not found`` becomes ``sh: 1: not found``); lines above a caret; the
source under Python's ``File "…", line 3`` and Node's ``/path/file.js:3``; lines with a number and a bar in
front, as compilers frame code; and what perl, awk and jq quote after ``near`` and ``line 1:``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_COMMAND = "Command failed"
_SOURCE = re.compile(r"(Code step \"[^\n]*\" failed at line -?\d+:\d+)\n[^\n]*(?=\n|\Z)")
_MODULE = re.compile(r"Code module \"[^\n]*?\" exited with code (?:-?\d+|null)(?:: )?")
_PIECES = re.compile(r"\n|&&|\|\||[;|]")
_SHORTEST_PIECE = 6
_MORE = "…"

_CARETS = re.compile(r"[\s|>+\d.:-]*[\^~]+[\^~\s-]*\Z")
_PYTHON = re.compile(r"\s*(?:\|\s*)?File \"[^\"\n]*\", line \d+(?:, in [^\n]*)?\Z")
_PLACE = re.compile(
    r"(?:file://|/|[A-Za-z]:[\\/]|\.{0,2}/|\[eval\]|\[stdin\]|evalmachine|node:)[^\s]*:\d+\Z|\[(?:eval|stdin)[^\]]*\]:\d+\Z"
)
_GUTTER = re.compile(r"\s*(?:>\s*)?\d*\s*[|│┃]|\s*\d+\s{2,}\S|\s*(?:-->|╭|╰|·|:::)")
_TRACED = re.compile(r"\++ ")
_SHELL = re.compile(
    r"(?P<who>(?:[\w./-]*/)?(?:bash|sh|dash|zsh|ksh|ash|fish|-?rbash)(?:: -c)?: ?(?:line )?\d+(?: ?:)?)"
)
_QUOTING = re.compile(
    r"(?P<kept>.*?(?:\bnear\b|\bLINE \d+:|\bat -e line \d+,?|awk: (?:cmd\. )?line ?:?\d*:?))"
)
_NEXT_QUOTED = re.compile(r"jq: error: .*line \d+:\s*\Z|.*\bsource line\b.*:\s*\Z")

_PHRASES = (
    "command not found", "not found", "No such file or directory", "Permission denied", "Is a directory",
    "Not a directory", "File exists", "Broken pipe", "Connection refused", "Connection reset",
    "Connection timed out", "Operation timed out", "Could not resolve host", "Name or service not known",
    "Network is unreachable", "No space left on device", "Operation not permitted",
    "Argument list too long", "Cannot allocate memory", "Killed", "Terminated", "Segmentation fault",
    "Syntax error", "syntax error", "unbound variable", "parameter not set", "bad substitution",
    "Bad substitution", "maxBuffer length exceeded", "timed out", "Too many open files",
    "Read-only file system", "Exec format error", "ambiguous redirect", "unexpected EOF", "Unauthorized",
    "Forbidden",
)  # fmt: skip
"""Messages of the system and its shells: constants of ours, never text of the step's."""


def without_quotes(text: str, command_ends: Mapping[str, int]) -> str:
    """`text` without a command line or source line of a step. `command_ends`: the number of characters of an
    error text that are its command.
    """
    text = _SOURCE.sub(r"\1", text)
    at = text.find(_COMMAND)
    if at < 0:
        module = _MODULE.search(text)
        return text if module is None else text[: module.end()] + _report(text[module.end() :], "")
    end = command_ends.get(text)
    if at == 0 and end is not None:
        report = _report(text[end:].lstrip("\n"), text[len(_COMMAND) + 2 : end])
        return f"{_COMMAND}\n{report}" if report else _COMMAND
    found = [phrase for phrase in _PHRASES if re.search(rf"\b{phrase}\b", text[at:])]
    named = [phrase for phrase in found if not any(phrase != other and phrase in other for other in found)]
    return text[:at] + _COMMAND + (f" ({', '.join(named)})" if named else "")


def _report(stderr: str, command: str) -> str:
    """A process's stderr without the source that it quotes."""
    pieces = [piece.strip() for piece in _PIECES.split(command)]
    own = [piece for piece in pieces if len(piece) >= _SHORTEST_PIECE]
    kept = [line for line in _unframed(stderr.split("\n")) if not any(piece in line for piece in own)]
    return "\n".join(kept)


def _unframed(lines: list[str]) -> Iterator[str]:
    """The lines that quote no code."""
    under = ""  # what the line above announces: "python", "place", "next" or nothing
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        quoted = _is_quoted(line, following, under)
        under = _announced(line, under, quoted=quoted)
        if not quoted:
            yield _unquoted(line)


def _is_quoted(line: str, following: str, under: str) -> bool:
    if _TRACED.match(line) or _is_carets(line) or _is_carets(following) or _GUTTER.match(line):
        return True
    if under == "python":
        return line.startswith("    ") and not _PYTHON.match(line)
    return under in ("place", "next") and bool(line.strip())


def _is_carets(line: str) -> bool:
    return ("^" in line or "~" in line) and _CARETS.match(line) is not None


def _announced(line: str, under: str, *, quoted: bool) -> str:
    if _PYTHON.match(line):
        return "python"
    if _PLACE.match(line):
        return "place"
    if _NEXT_QUOTED.match(line):
        return "next"
    return under if quoted and under in ("python", "place") else ""


def _unquoted(line: str) -> str:
    """A line without the word of a shell, or the code, that it quotes."""
    shell = _SHELL.match(line)
    if shell is not None:
        who = shell["who"].rstrip(" :")
        message = next((phrase for phrase in _PHRASES if phrase in line), "")
        return f"{who}: {message}" if message else who
    quoting = _QUOTING.match(line)
    return f"{quoting['kept']} {_MORE}" if quoting is not None else line
