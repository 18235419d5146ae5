"""Error text without the commands and source lines that it quotes: they are a step's own, and never leave.

What quotes them, and the rule for each:

* ``Code step "x" failed at line 3:7``, then one line of source, then the message: the source line goes.
* ``Command failed: `` and the command, which may have any number of lines, then what it wrote to stderr.
  Where the store knows where the command ends, it goes and the stderr stays, less what `_report` drops.
  Where it does not know (an old run, a flow file that has changed), all behind ``Command failed`` goes, and
  of it the phrases of the system are named that stand in it: they are constants of ours, and no text of the
  step's.
* ``Code module "x" exited with code 1: `` and what the module's process wrote to stderr: less what `_report`
  drops.

`_report` drops of a stderr: each line that has a line of the command in it; what shells trace (``+ …``) and
what they say of a word of theirs (``sh: 1: word: not found`` stays as ``sh: 1: not found``); the lines over
a caret; the source under Python's ``File "…", line 3`` and under Node's ``/path/file.js:3``; lines with a
number and a bar at their side, as compilers frame code; what perl, awk and jq quote behind their ``near``
and ``line 1:``.
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
"""What the system and its shells say: named, where it is not sure what else a text has."""


def without_quotes(text: str, command_ends: Mapping[str, int]) -> str:
    """`text` without a command line or source line of a step. `command_ends`: how many characters of which
    error text are its command.
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
    said = [phrase for phrase in _PHRASES if re.search(rf"\b{phrase}\b", text[at:])]
    named = [phrase for phrase in said if not any(phrase != other and phrase in other for other in said)]
    return text[:at] + _COMMAND + (f" ({', '.join(named)})" if named else "")


def _report(stderr: str, command: str) -> str:
    """A process's stderr without what it quotes of its source."""
    pieces = [piece.strip() for piece in _PIECES.split(command)]
    own = [piece for piece in pieces if len(piece) >= _SHORTEST_PIECE]
    kept = [line for line in _unframed(stderr.split("\n")) if not any(piece in line for piece in own)]
    return "\n".join(kept)


def _unframed(lines: list[str]) -> Iterator[str]:
    """Lines that quote no code."""
    under = ""  # what the line above says of this one
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        quoted = _is_quoted(line, following, under)
        under = _says_of_next(line, under, quoted=quoted)
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


def _says_of_next(line: str, under: str, *, quoted: bool) -> str:
    if _PYTHON.match(line):
        return "python"
    if _PLACE.match(line):
        return "place"
    if _NEXT_QUOTED.match(line):
        return "next"
    return under if quoted and under in ("python", "place") else ""


def _unquoted(line: str) -> str:
    """One line without the word of a shell, or the code, that it speaks of."""
    shell = _SHELL.match(line)
    if shell is not None:
        said = next((phrase for phrase in _PHRASES if phrase in line), "")
        return f"{shell['who'].rstrip(' :')}: {said}" if said else shell["who"].rstrip(" :")
    quoting = _QUOTING.match(line)
    return f"{quoting['kept']} {_MORE}" if quoting is not None else line
