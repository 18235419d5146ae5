"""What kind of error it was: one word for machines, from the host's code or, where it gave none, the text."""

from __future__ import annotations

import re
from collections.abc import Callable

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,40}\Z")
_STATUS = re.compile(
    r"\b(?:HTTP(?:/\d(?:\.\d)?)?|status(?:[ _-]?code)?|API (?:error|request)|response code|returned error)"
    r"\W{0,4}(?:of |is |was |with |error |code )*\W{0,3}([45]\d\d)\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b([45]\d\d)\W{1,3}(?:Bad Request|Unauthorized|Payment Required|Forbidden|Not Found|Method Not Allowed|"
    r"Conflict|Gone|Payload Too Large|Unprocessable|Too Many Requests|Internal Server Error|Bad Gateway|"
    r"Service (?:Temporarily )?Unavailable|Gateway Time-?out)",
    re.IGNORECASE,
)
_EXIT = re.compile(
    r"\b(?:exit(?:ed)?(?: with)?|returned)(?: (?:status|code|exit code))*\W{1,3}(\d{1,3})\b", re.I
)
_SHELL = (
    (re.compile(r": (?:command )?not found$", re.M), "127"),
    (re.compile(r": Permission denied$", re.M), "126"),
)
_TIMES_OUT = re.compile(r'^Step ".*?" exceeded timeout of |\btimed out after \d|\bTimeoutError\b')
_NETWORK = re.compile(
    r"\b(?:ECONN(?:REFUSED|RESET|ABORTED)|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|E(?:HOST|NET)UNREACH|EPIPE|UND_ERR_\w+)\b"
    r"|fetch failed|socket hang up|getaddrinfo|network (?:error|is unreachable)|could not resolve host"
    r"|name or service not known|connection (?:refused|reset|timed out|closed)|self[- ]signed certificate"
    r"|certificate (?:has expired|verify failed)|unable to (?:verify the first|get local issuer) certificate",
    re.IGNORECASE,
)
_PARSE = re.compile(
    r"is not valid JSON|in JSON at position|Unexpected end of (?:JSON|data|input)|Unexpected token"
    r"|JSONDecodeError|did not print valid JSON|Unterminated string in JSON|Expected .* in JSON"
    r"|invalid JSON|parse error",
    re.IGNORECASE,
)
_INPUT = re.compile(
    r'^Missing required input|^Input "|requires .* (?:to be set|but it is)|^Missing value for'
)
_FLOW = re.compile(
    r"^(?:Circular flow|Flow not found|Unknown step type|Unknown Handlebars|Invalid flow)|^Loop \"over\" must"
    r"|must define either|Code module (?:not found|path)"
)
_PERMISSION = re.compile(
    r"require --allow-bash|not in the allowed|is not allowed under|is blocked in code steps"
)
_SIZE = re.compile(
    r"maxBuffer length exceeded|Invalid string length|Cannot create a string longer|heap out of memory"
)
_FILE = re.compile(r"\b(?:ENOENT|EACCES|EPERM|EISDIR|ENOTDIR|EEXIST|ENOSPC|EMFILE|EROFS|ELOOP|ENOTEMPTY)\b")
_SCRIPT = re.compile(
    r"\b(?:Reference|Type|Syntax|Range|Eval|URI|Assertion)Error\b|is not defined\b|is not a function\b"
    r"|Cannot read propert|is not iterable|Invalid or unexpected token|serialize a BigInt"
)
_MODULE = re.compile(r'Code module "[^"\n]*" exited with code \d+(?:: )?')
_THROWN = re.compile(r"^(?:Uncaught )?(?:[A-Z]\w*)?(?:Error|Exception)\b(?: \[\w+\])?:", re.M)
_CODE_STEP = re.compile(r'Code step "[^\n]*" failed(?: at line [^\n]*\n[^\n]*\n\s*|: )')
_BY_TYPE = {"code": "SCRIPT", "transform": "SCRIPT", "bash": "EXIT", "action": "API", "paginate": "API"}


def error_class(error: str | None, code: str | None, step_type: str | None) -> tuple[str | None, bool]:
    """The class of an error, and whether it is a guess: not where the host gave a code.

    Classes: TIMEOUT, HTTP_<status>, EXIT_<code>, NETWORK, PARSE, INPUT, FLOW, PERMISSION, SIZE, FILE, SCRIPT,
    EXIT, API, OTHER, or the host's own code. None where nothing is known of the error.
    """
    if code and _WORD.match(code):
        return code.upper(), False
    if code and code.isascii() and code.isdecimal():
        return f"HTTP_{code}" if len(code) == 3 else f"CODE_{code[:9]}", False
    if error is None:
        return None, False
    return _of_text(_CODE_STEP.sub("", error), step_type), True


def _of_text(text: str, step_type: str | None) -> str:
    module = _MODULE.match(text)
    if module and (thrown := _THROWN.search(text, module.end())):
        # it did not choose to exit: what it threw tells more than the code, and the lines before it quote it
        text = text[thrown.start() :].partition("\n    at ")[0]
    for rule in _RULES:
        found = rule(text, step_type)
        if found:
            return found
    return _BY_TYPE.get(step_type or "", "OTHER")


def _exit(text: str, step_type: str | None) -> str | None:
    if step_type not in ("bash", "code", None):
        return None
    found = _EXIT.search(text)
    if found:
        return f"EXIT_{found[1]}"
    if step_type == "bash":
        return next((f"EXIT_{code}" for form, code in _SHELL if form.search(text)), None)
    return None


def _http(text: str, step_type: str | None) -> str | None:
    found = _STATUS.search(text) or _REASON.search(text)
    return f"HTTP_{found[1]}" if found else None


def _says(form: re.Pattern[str], name: str) -> Callable[[str, str | None], str | None]:
    return lambda text, step_type: name if form.search(text) else None


_RULES: tuple[Callable[[str, str | None], str | None], ...] = (
    _says(_TIMES_OUT, "TIMEOUT"),
    _says(_INPUT, "INPUT"),
    _says(_PERMISSION, "PERMISSION"),
    _says(_FLOW, "FLOW"),
    _says(_SIZE, "SIZE"),
    _http,
    _says(_NETWORK, "NETWORK"),
    _exit,
    _says(_PARSE, "PARSE"),
    _says(_FILE, "FILE"),
    _says(_SCRIPT, "SCRIPT"),
)
"""The first that finds something names the class."""
