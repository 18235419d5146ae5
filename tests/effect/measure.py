"""Run a case with the built program, ask as the skill says, and judge the first document."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from one_trace.record.locate import line_of
from tests.effect import failed as _failed  # noqa: F401  its kinds are kinds
from tests.effect import slow as _slow  # noqa: F401
from tests.effect.cases import KINDS, Case, Draft, Expected, Place, flow_file, pointer_of, text_of
from tests.machine import Machine

LIMIT = 8000
PROGRAMS = ("bash", "sh", "sleep", "cat", "grep", "head", "tr")
_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


@dataclass
class Verdict:
    """What the first document lacks; nothing of a right one."""

    case: str
    executor: str
    lacks: list[str] = field(default_factory=list)
    calls: int = 0
    characters: int = 0
    asked: str = ""
    document: dict[str, Any] = field(default_factory=dict)


def cases(seed: int = 1) -> list[Case]:
    return [make(Draft(name, seed)) for name, make in KINDS.items()]


@contextmanager
def service() -> Iterator[str]:
    """A loopback server that answers `/404` with that status, and `/slow` too late."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/slow":
                time.sleep(1)
            word = self.path[1:].partition("?")[0]
            code = int(word) if word.isdecimal() else 200
            self.send_response(code, _REASONS.get(code))
            self.end_headers()
            with suppress(OSError):  # whoever asked waits no longer
                self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def try_case(case: Case, machine: Machine, base: str, executor: str = "built-in") -> Verdict:
    """Lay out, run and ask. The machine has Node, and a host if that is to run the flow."""
    machine.env |= {"BASE": base, **({"ONE_TRACE_HOST": "built-in"} if executor == "built-in" else {})}
    for path, text in case.files.items():
        machine.write(machine.project / path, text)
    for earlier in case.before:
        _lay_out(machine, earlier.flows or case.flows)
        given = case.inputs if earlier.inputs is None else earlier.inputs
        for _ in range(earlier.runs):
            _run(machine, case, given, earlier.env)
    _lay_out(machine, case.flows)
    note = _run(machine, case, case.inputs, case.env, case.kill_after_ms)
    return _asked(case, machine, note, Verdict(case.name, executor))


def _lay_out(machine: Machine, flows: dict[str, dict[str, Any]]) -> None:
    for key, definition in flows.items():
        machine.write(machine.project / flow_file(key), text_of(definition))


def _run(
    machine: Machine,
    case: Case,
    inputs: dict[str, str],
    env: dict[str, str],
    kill_after_ms: int | None = None,
) -> dict[str, Any]:
    """One run; the line `trace:saved`."""
    given = [word for name, value in inputs.items() for word in ("-i", f"{name}={value}")]
    argv = ["--agent", "flow", "execute", case.flow, *given, "--allow-bash", "--trace"]
    process = machine.start(*argv, env=env)
    if kill_after_ms is not None:
        assert process.stdout is not None
        wanted = case.expected.path.rpartition(" > ")[2].encode()
        for line in process.stdout:
            if b'"step:start"' in line and wanted in line:
                break
        time.sleep(kill_after_ms / 1000)
        process.terminate()
    out, err = process.communicate(timeout=120)
    lines = [line for line in err.split(b"\n") if line.startswith(b'{"event":"trace:saved"')]
    if not lines:
        return {"trouble": f"not traced: {(out + err).decode()[-300:]}"}
    note: dict[str, Any] = json.loads(lines[-1])
    return note


def question(case: Case, note: dict[str, Any]) -> list[str]:
    """The command of the skill's table: the first word is our program."""
    if case.ask == "failed":
        return shlex.split(note["next"])
    if case.ask == "diff":
        return ["one", "--agent", "trace", "diff", f"{case.flow}@prev", f"{case.flow}@last"]
    return ["one", "--agent", "trace", "insights", case.flow]


def _asked(case: Case, machine: Machine, note: dict[str, Any], verdict: Verdict) -> Verdict:
    if case.ask == "failed" and not note.get("next"):
        verdict.lacks.append(note.get("trouble", "trace:saved has no next"))
        return verdict
    words = question(case, note)
    done = machine.one(*words[1:])
    text = done.out.decode()
    verdict.asked, verdict.calls, verdict.characters = shlex.join(words), 1, len(text)
    try:
        verdict.document = json.loads(text)
    except ValueError:
        verdict.lacks.append("no document")
        return verdict
    if len(text) > LIMIT:
        verdict.lacks.append(f"{len(text)} characters")
    judge = _JUDGES[case.ask]
    verdict.lacks += judge(verdict.document, case.expected, case, text)
    verdict.lacks += [f"does not say {word!r}" for word in case.expected.says if not _says(text, word)]
    return verdict


def _says(text: str, word: str) -> bool:
    return word in text or json.dumps(word)[1:-1] in text


def location(case: Case, place: Place) -> dict[str, Any]:
    """A place as a document says it."""
    if place.file is not None:
        return {"file": place.file}
    definition = case.flows[place.flow]
    pointer = (pointer_of(definition, place.step) if place.step else "") + place.tail
    text = text_of(definition)
    line = line_of(text, pointer)
    while line is None:  # what is to be added stands in what is there
        pointer_there = pointer.rpartition("/")[0] if line is None else pointer
        line = line_of(text, pointer_there)
    return {"file": flow_file(place.flow), "pointer": pointer, "line": line}


def _is_at(found: object, case: Case, place: Place) -> bool:
    if not isinstance(found, dict):
        return False
    return all(found.get(name) == value for name, value in location(case, place).items())


def _of_run(document: dict[str, Any], expected: Expected, case: Case, text: str) -> list[str]:
    lacks = []
    cause = document.get("cause") or {}
    if document["run"]["status"] != expected.status:
        lacks.append(f"status is {document['run']['status']}")
    if expected.status == "error":
        if cause.get("path") != expected.path:
            lacks.append(f"cause is {cause.get('path')!r}, not {expected.path!r}")
        if cause.get("class") != expected.klass:
            lacks.append(f"class is {cause.get('class')}, not {expected.klass}")
        if not cause.get("error"):
            lacks.append("no error text")
        if expected.at is not None and not _is_at(cause.get("at"), case, expected.at):
            lacks.append(f"cause.at is {cause.get('at')}, not {location(case, expected.at)}")
    elif expected.path not in [row["path"] for row in document.get("failed", [])]:
        lacks.append(f"{expected.path!r} is not among what failed")
    return lacks + _edit(document, expected, case)


def _edit(document: dict[str, Any], expected: Expected, case: Case) -> list[str]:
    if expected.edit is None:
        return []
    edits = document.get("edits") or []
    if not edits:
        return ["no edits"]
    kinds = [edit["kind"] for edit in edits]
    if kinds[0] != expected.kind:
        return [f"edits are {kinds}, not {expected.kind} first"]
    edit = edits[0]
    if not _is_at(edit.get("at"), case, expected.edit):
        return [f"{expected.kind} is at {edit.get('at')}, not {location(case, expected.edit)}"]
    if expected.edit.line is not None and edit.get("textLine") != expected.edit.line:
        return [f"{expected.kind} is at line {edit.get('textLine')} of the text, not {expected.edit.line}"]
    return []


def _of_insights(document: dict[str, Any], expected: Expected, case: Case, text: str) -> list[str]:
    found = [one for one in document.get("findings", []) if one["rule"] == expected.kind]
    found = [one for one in found if one["path"] == expected.path]
    if not found:
        names = [(one["rule"], one["path"]) for one in document.get("findings", [])]
        return [f"findings are {names}"]
    lacks = []
    if expected.at is not None and not _is_at(found[0].get("at"), case, expected.at):
        lacks.append(f"at is {found[0].get('at')}, not {location(case, expected.at)}")
    if expected.edit is not None and expected.edit != expected.at:
        lacks += _action(found[0], expected.edit, case)
    if not found[0].get("suggestion"):
        lacks.append("no suggestion")
    return lacks


def _action(finding: dict[str, Any], place: Place, case: Case) -> list[str]:
    """A finding's edit: values to set, by dotted key of the step at its place."""
    pointer = finding["at"]["pointer"]
    keys = (finding.get("action") or {}).get("set", {})
    places = [f"{pointer}/{key.replace('.', '/')}" for key in keys]
    wanted = location(case, place)["pointer"]
    return [] if any(each.startswith(wanted) for each in places) else [f"sets {places}, not {wanted}"]


def _of_diff(document: dict[str, Any], expected: Expected, case: Case, text: str) -> list[str]:
    steps = [one for one in document.get("steps", []) if expected.kind in one["changes"]]
    path = expected.path.partition(" > ")[2]
    found = [one for one in steps if one["path"] in (path, expected.path)]
    if not found:
        return [f"{expected.kind} are {[one['path'] for one in steps]}"]
    return _edit(document, Expected(expected.path, "changed", expected.at, expected.edit), case)


_JUDGES = {"failed": _of_run, "insights": _of_insights, "diff": _of_diff}


def _real_host(machine: Machine, program: str) -> None:
    start = f"node {program}" if program.endswith((".js", ".mjs", ".cjs")) else program
    machine.shell_host(f'exec {start} "$@"')
    machine.env |= {"ONE_NO_TELEMETRY": "1", "ONE_NO_AUTO_UPDATE": "1", "ONE_SECRET": "sk_test_dummy"}
    checked = {"lastCheck": 4102444800000, "latestVersion": "0.0.0"}
    machine.write(machine.root / "home/.one/update-check.json", json.dumps(checked))


def measure(
    folder: Path, chosen: list[Case], executor: str = "built-in", host: str | None = None
) -> list[Verdict]:
    """A verdict for each case, each on a machine of its own."""
    verdicts = []
    with service() as base:
        for number, case in enumerate(chosen):
            root = folder / f"{executor}-{number}"
            root.mkdir()
            machine = Machine(root).with_node(*PROGRAMS)
            if executor != "built-in" and host is not None:
                _real_host(machine, host)
            verdicts.append(try_case(case, machine, base, executor))
    return verdicts
