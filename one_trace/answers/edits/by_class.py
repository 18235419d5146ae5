"""What to edit for each class of error, where the step itself is to blame."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

from one_trace.analyse.edit import Edit, Operation
from one_trace.analyse.rules_timeout import round_up
from one_trace.answers.bounds import without_frames
from one_trace.answers.edits.evidence import Evidence, Written, escaped, place
from one_trace.answers.edits.reads import scope_of
from one_trace.answers.edits.selectors import selectors_in
from one_trace.engine.rules import BASH_TIMEOUT_MS
from one_trace.model.trace import Cause, Location, Span
from one_trace.model.tree import static_paths

RETRY: dict[str, Any] = {"strategy": "retry", "retries": 2, "retryDelayMs": 1000}
SLOW_RETRY: dict[str, Any] = {
    "strategy": "retry",
    "retries": 4,
    "retryDelayMs": 2000,
    "backoff": "exponential",
}
_MAIN = {
    "code": ("source", "module"),
    "transform": ("expression",),
    "bash": ("command",),
    "file-read": ("path",),
    "file-write": ("path",),
    "loop": ("over",),
    "condition": ("expression",),
    "while": ("condition",),
    "flow": ("key",),
}
"""The member of its configuration that says what a step of a type does."""
_TRANSIENT = re.compile(r"HTTP_(?:408|425|429|5\d\d)\Z|NETWORK\Z|TIMEOUT\Z")
_REFUSED = re.compile(r"HTTP_(?:401|403|407)\Z")
_HTTP = re.compile(r"HTTP_4\d\d\Z")
_LINE = re.compile(r'\ACode step "[^\n]*" failed at line (\d+)')
_MODULE_LINE = re.compile(r"file://([^\s:]+):(\d+)")
_INPUT = re.compile(r'(?:Missing required input: |^Input |Missing value for )"?([\w.-]+)', re.M)


def by_class(evidence: Evidence, span: Span, written: Written) -> Iterator[Edit]:
    """The edit of the step that failed, and one of its retries where they cannot help."""
    cause = evidence.cause
    if cause is None:
        return
    kind = cause.error_class or "OTHER"
    for form, edit in _EDITS:
        if form.match(kind):
            yield from edit(evidence, cause, span, written)
            return
    yield _plain("fix-step", span, written, "this step threw the error")


def without_step(evidence: Evidence, cause: Cause) -> Iterator[Edit]:
    """The flow was refused before any step ran, or its step is not found."""
    found = _INPUT.search(cause.error or "")
    flow = evidence.flow(evidence.trace.run.flow_key)
    if found is None or flow is None or cause.span_id is not None:
        return
    name = found[1]
    text = f"run it with -i {name}=VALUE of the declared type, or give the input {name} a default"
    at = place(*flow, f"/inputs/{escaped(name)}")
    yield Edit(kind="give-input", path=cause.path, at=at, text=text)


def main_part(written: Written) -> str:
    """The part of a step that says what it does."""
    names = [name for name in _MAIN.get(written.type, ()) if name in written.config]
    return f"{written.key}/{names[0]}" if names else written.key


def _plain(kind: str, span: Span, written: Written, text: str, part: str | None = None) -> Edit:
    at = written.at(main_part(written) if part is None else part)
    return Edit(kind=kind, path=span.path, at=at, text=text)


def _timeout(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    """Its own limit, or one that its code has set itself."""
    own = written.step.get("timeoutMs")
    if (cause.error or "").startswith('Step "') and isinstance(own, int | float):
        part, limit = "timeoutMs", own
    elif written.type == "bash":
        given = written.config.get("timeout")
        part, limit = (
            "bash/timeout",
            given if isinstance(given, int | float) and given > 0 else BASH_TIMEOUT_MS,
        )
    else:
        yield from _transient(evidence, cause, span, written)
        return
    before = evidence.earlier.get(
        static_paths(evidence.trace.run.flow_key, evidence.trace.spans)[span.span_id]
    )
    was = before.timeout_ms if before is not None and part == "timeoutMs" else None
    value = int(was) if was is not None and was > limit else round_up(2 * limit)
    why = f"; it was {was:g} in the last run that succeeded" if was is not None and was != limit else ""
    text = (
        f"it takes longer than {limit:g} ms{why}: set {part.rpartition('/')[2]} to {value}, or make it faster"
    )
    if cause.still_running:
        text += f"; {cause.still_running[-1].rpartition(' > ')[2]} was running then"
    edit = _plain("set-timeout", span, written, text, part)
    edit.patch = [_set(written, part, value)]
    yield edit


def _transient(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    """What may work the next time."""
    if cause.attempts > 1:
        text = f"all {cause.attempts} attempts failed with {cause.error_class}: wait longer between them"
        text += ", or see whether the service is up"
        kind, value = "slow-retry", SLOW_RETRY
    else:
        text = f"{cause.error_class} is often transient, and this step is not retried"
        kind, value = "add-retry", SLOW_RETRY if cause.error_class == "HTTP_429" else RETRY
    edit = _plain(kind, span, written, text, "onError")
    edit.patch = [_set(written, "onError", value)]
    yield edit


def _credentials(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    text = f"{cause.error_class}: the service refuses the credentials; check the key or connection used here"
    yield from _request("fix-credentials", text, cause, span, written)


def _http(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    text = f"{cause.error_class}: the service refuses this request; check its address, parameters and body"
    yield from _request("fix-request", text, cause, span, written)


def _request(kind: str, text: str, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    edit = _plain(kind, span, written, text)
    edit.text_line = _line(cause, written)
    yield edit
    if cause.attempts > 1:
        code = int((cause.error_class or "_0").rpartition("_")[2])
        own = written.step.get("onError")
        text = f"{cause.attempts} attempts were made, and none could help: do not retry {code}"
        part = "onError/failFastOn" if isinstance(own, dict) else "onError"
        again = _plain("limit-retry", span, written, text, part)
        if isinstance(own, dict) and not own.get("failFastOn"):
            again.patch = [_set(written, part, [code])]
        yield again


def _script(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    error = without_frames(cause.error or "").strip().split("\n")[-1].strip()
    if written.type not in ("code", "transform"):
        yield _plain("fix-step", span, written, f"this step fails: {error}")
        return
    edit = _plain("fix-code", span, written, f"this code throws: {error}")
    edit.text_line = _line(cause, written)
    module = _module_place(evidence, cause, written)
    if module is not None:
        edit.at, edit.text = module, f"this module throws: {_thrown(cause.error or '')}"
    yield edit


def _thrown(error: str) -> str:
    """The line with the message, of what a module wrote when it threw."""
    lines = [line.strip() for line in without_frames(error).split("\n") if line.strip()]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1] if lines else "")


def _line(cause: Cause, written: Written) -> int | None:
    found = _LINE.match(cause.error or "") if written.type == "code" else None
    return int(found[1]) if found else None


def _module_place(evidence: Evidence, cause: Cause, written: Written) -> Location | None:
    """The file of the module, beside the flow, and the line that its error names."""
    name = written.config.get("module")
    if written.type != "code" or not isinstance(name, str) or "source" in written.config:
        return None
    file = PurePosixPath(written.file).parent / name
    whole = PurePosixPath(written.flow.path.parent.as_posix()) / name
    for found in _MODULE_LINE.finditer(cause.error or ""):
        if found[1].endswith(PurePosixPath(*whole.parts[-3:]).as_posix()):
            return Location(file=file.as_posix(), pointer="", line=int(found[2]))
    return Location(file=file.as_posix(), pointer="")


def _output(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    """What was to be parsed: what the command prints, or what a command before it printed."""
    if written.type == "bash":
        text = "its standard output is not the JSON that parseJson asks for: print JSON alone"
        yield _plain("fix-output", span, written, text)
        return
    if written.type == "file-read":
        yield _plain("fix-file", span, written, "the file is not the JSON that parseJson asks for")
        return
    scope = scope_of(evidence, span)
    names = [one.step_id for _, text in written.texts() for one in selectors_in("", text) if one.step_id]
    for name in dict.fromkeys(names):
        earlier = scope.spans.get(name, [])
        source = evidence.step_of(earlier[-1]) if earlier and earlier[-1].type == "bash" else None
        if source is not None:
            text = f"{span.step_id} parses what this command prints, and it is not JSON alone"
            yield _plain("fix-output", earlier[-1], source, text)
    yield from _script(evidence, cause, span, written)


def _command(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    if written.type == "code":
        yield from _script(evidence, cause, span, written)
        return
    lines = [line for line in (cause.error or "").strip().split("\n")[1:] if line.strip()]
    text = f"the command failed: {lines[-1]}" if lines else "the command failed and wrote nothing to stderr"
    yield _plain("fix-command", span, written, text)


def _not_found(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    text = "a program that the command names is not on PATH here: install it, or correct its name"
    yield _plain("install-command", span, written, text)


def _inputs(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    part = "flow/inputs" if written.type == "flow" else main_part(written)
    found = _INPUT.search(cause.error or "")
    named = f" {found[1]}" if found else ""
    yield _plain("give-input", span, written, f"give the input{named} that is required here", part)


def _flow(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    error = (cause.error or "").split("\n")[0]
    kind = {"flow": "fix-flow-key", "loop": "fix-reference"}.get(written.type, "fix-step")
    yield _plain(kind, span, written, error)


def _path(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    edit = _plain(
        "fix-path",
        span,
        written,
        f"the file cannot be used: {(cause.error or '').strip().split(chr(10))[-1]}",
    )
    edit.text_line = _line(cause, written)
    yield edit


def _permission(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    yield _plain(
        "allow",
        span,
        written,
        "the host does not allow this step: run it with --allow-bash, or do it otherwise",
    )


def _size(evidence: Evidence, cause: Cause, span: Span, written: Written) -> Iterator[Edit]:
    text = "its output is larger than the host takes: print less, or write it to a file and print the path"
    yield _plain("shrink-output", span, written, text)


def _set(written: Written, part: str, value: object) -> Operation:
    """Add or replace a part of a step."""
    target: Any = written.step
    for name in part.split("/"):
        target = target.get(name) if isinstance(target, dict) else None
    return Operation(op="add" if target is None else "replace", path=f"{written.pointer}/{part}", value=value)


_EDITS: tuple[tuple[re.Pattern[str], Callable[[Evidence, Cause, Span, Written], Iterator[Edit]]], ...] = (
    (re.compile(r"TIMEOUT\Z"), _timeout),
    (_TRANSIENT, _transient),
    (_REFUSED, _credentials),
    (_HTTP, _http),
    (re.compile(r"PARSE\Z"), _output),
    (re.compile(r"SIZE\Z"), _size),
    (re.compile(r"EXIT_127\Z"), _not_found),
    (re.compile(r"EXIT"), _command),
    (re.compile(r"INPUT\Z"), _inputs),
    (re.compile(r"FLOW\Z"), _flow),
    (re.compile(r"FILE\Z"), _path),
    (re.compile(r"PERMISSION\Z"), _permission),
    (re.compile(r"SCRIPT\Z|OTHER\Z"), _script),
)
"""The first that matches the class of the error."""
