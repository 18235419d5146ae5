"""Hostile names and files of strangers, through every surface that prints, writes or reads them."""

from __future__ import annotations

import json
import os
import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

from one_trace.model.trace import Assembly, Cause, Location, Session
from one_trace.store import Store
from tests.machine import Done, Machine
from tests.made import USAGE, assembly, span
from tests.soak.scene import Options, call, stage
from tests.soak.tally import Tally

FILES = 120
"""Files of strangers, each read by a few commands."""
HOSTILE = {
    "lines": "a\nb\r\nc\x85d\u2028e\x0bf",
    "annotation": "a\n::error file=x,line=1::owned\n##[error]owned\n::add-mask::x",
    "table": "a | b || c \\| d",
    "backticks": "```\n`` ` ```` ~~~",
    "xml": "]]> <!-- --> <![CDATA[ & \" ' \x00\ufffe",
    "html": "<script>owned()</script><img src=x onerror=owned()>",
    "markdown": "[a](javascript:owned()) ![b](https://owned.example/x.png) @everyone <!-- #1",
    "directions": "a\u202eb\u2066c\u200fd\U000e0041",
    "escapes": "\x1b]0;owned\x07\x1b[31m\x9b2J",
    "bytes": "\udcff\udc80\ud800",
    "long": "x" * 10_000,
    "shell": "$(touch owned) `touch owned`; touch owned",
    "option": "--full",
    "json": '","owned":"',
    "empty": " ",
    "formula": "=cmd|'/C calc'!A0",
}
AGENT = (
    ("show", "last"),
    ("show", "last", "--failed"),
    ("show", "last", "--slow", "3"),
    ("list",),
    ("stats",),
    ("insights",),
    ("diff", "last", "last"),
    ("cost",),
    ("ci", "last", "--junit", "report.xml"),
    ("baseline", "FLOW", "-o", "base.json"),
    ("ci", "last", "--baseline", "base.json"),
    ("doctor",),
)
PAGES = (
    ("show", "last"),
    ("list",),
    ("stats",),
    ("insights",),
    ("ci", "last"),
    ("export", "last", "--format", "markdown"),
)
EXPORTS = ("json", "events", "otlp", "perfetto", "html", "markdown")
CODES = range(6)
_RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ERROR = re.compile(r"::error (?:file=[^,\n]*,line=\d+,)?title=[^:\n]*::")
_COMMAND = re.compile(r"^\s*::|##\[", re.M)
_MARKUP = re.compile(r"<(?:script|img|!--)|\]\(javascript:|!\[b\]\(")
_ODD = (
    "null",
    "[]",
    "{}",
    "-1",
    "1e999",
    "NaN",
    '"\\u202e"',
    "[[[[]]]]",
    '"' + "y" * 9000 + '"',
    "12345678901234567890",
)


def play(options: Options, tally: Tally) -> None:
    rng = options.rng("surfaces")
    names = list(HOSTILE)[: max(3, options.times(len(HOSTILE)))]
    with ThreadPoolExecutor(options.workers) as pool:
        tries = [pool.submit(_names, name, tally) for name in names]
        seeds = [rng.random() for _ in range(options.workers)]
        share = max(1, options.times(FILES) // len(seeds))
        tries += [pool.submit(_strangers, seed, share, tally) for seed in seeds]
        for each in tries:
            each.result()


def hostile_run(text: str, number: int) -> Assembly:
    """A run in which everything that others name is this text."""
    flow = text if number % 2 else "my-flow"
    outer = span(text, flow=flow, name=text, type="loop", duration_ms=50.0)
    inner = span(
        text,
        outer,
        flow=flow,
        name=text,
        iteration=0,
        type="code",
        status="error",
        error=text,
        error_code=text,
    )
    made = assembly(
        f"{number:012x}",
        [outer, inner, span(f"{text}2", flow=flow, retries=2, attempts=3, usage=USAGE, start_ms=60.0)],
        flow_key=flow,
        status="error",
        start=1_775_469_720_000 + number * 60_000,
        cwd=f"/home/somebody/{text[:100]}",
        session=Session(agent=text[:200], session_id=text[:200]),
    )
    made.trace.run.cause = Cause(
        span_id=inner.span_id,
        path=inner.path,
        step_id=text,
        error=text,
        error_class="SCRIPT",
        at=Location(file=f".one/flows/{text[:200]}/flow.json", pointer=f"/steps/{text[:200]}", line=3),
        never_ran=[text],
    )
    return made


def _names(name: str, tally: Tally) -> None:
    text = HOSTILE[name]
    with stage() as machine:
        with Store(machine.data / "traces.db") as store:
            for number in range(1, 13):
                store.save(hostile_run(text, number))
        summary = machine.root / "summary.md"
        summary.touch(mode=0o600)
        github = {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_STEP_SUMMARY": str(summary)}
        for words in AGENT:
            argv = [text if word == "FLOW" else word for word in words]
            _answer(tally, name, words, call(machine, tally, "--agent", "trace", *_given(argv), env=github))
        for words in PAGES:
            _page(tally, name, words, call(machine, tally, "trace", *words, env=github))
        for form in EXPORTS:
            done = call(machine, tally, "trace", "export", "last", "--format", form)
            tally.ran()
            if done is not None and done.code not in CODES:
                tally.add("codes", f"{name}: export {form}: {done.code}")
        _mcp(tally, name, text, machine)
        _files(tally, name, machine, summary)
        if any(machine.root.rglob("owned*")):
            tally.add("other", f"{name}: a command in a name was run")


def _given(argv: list[str]) -> list[str]:
    """Words that a process can be given."""
    return [re.sub("[\0\ud800-\udc7f\udd00-\udfff]", "?", word)[:9000] for word in argv]


def _unknown(done: Done) -> bool:
    """This version has no such command."""
    return done.code == 2 and b"no command" in done.out + done.err


def _answer(tally: Tally, name: str, words: tuple[str, ...], done: Done | None) -> None:
    tally.ran()
    if done is None or _unknown(done):
        return
    what = f"{name}: {' '.join(words)}"
    if done.code not in CODES:
        tally.add("codes", f"{what}: {done.code}")
    text = done.out.decode("utf-8", "replace")
    _clean(tally, what, text + done.err.decode("utf-8", "replace"))
    try:
        json.loads(text)
    except ValueError:
        tally.add("other", f"{what}: no document: {text[:80]!r} {done.err[-120:]!r}")
    if len(text) > 8000:
        tally.add("other", f"{what}: {len(text)} characters")


def _page(tally: Tally, name: str, words: tuple[str, ...], done: Done | None) -> None:
    tally.ran()
    if done is None or _unknown(done):
        return
    what, text = f"{name}: page {' '.join(words)}", done.out.decode("utf-8", "replace")
    if done.code not in CODES:
        tally.add("codes", f"{what}: {done.code}")
    (_printed if words[0] == "export" else _clean)(tally, what, text + done.err.decode("utf-8", "replace"))
    if words[0] == "export" and _MARKUP.search(_outside_code(text)):
        tally.add("other", f"{what}: markup of a name: {text[:100]!r}")


def _clean(tally: Tally, what: str, text: str) -> None:
    """What may stand in the log of a CI job; of a line that is a command, the runner reads no other."""
    _printed(tally, what, text)
    own = "\n".join(line for line in text.split("\n") if not _ERROR.match(line))
    command = _COMMAND.search(own)
    if command is not None:
        tally.add("other", f"{what}: a command for CI: {own[command.start() : command.start() + 80]!r}")


def _printed(tally: Tally, what: str, text: str) -> None:
    raw = _RAW.search(text)
    if raw is not None:
        tally.add("other", f"{what}: prints {raw[0]!r}")


def _outside_code(markdown: str) -> str:
    """Markdown without its blocks and spans of code."""
    kept, fence = [], ""
    for line in markdown.split("\n"):
        mark = re.match(r"\s*(`{3,})", line)
        if mark and (not fence or (line.strip() == fence)):
            fence = "" if fence else mark[1]
        elif not fence:
            kept.append(re.sub(r"`[^`]*`", "", line))
    return "\n".join(kept)


def _mcp(tally: Tally, name: str, text: str, machine: Machine) -> None:
    calls = [("runs", {"flow": text}), ("run", {"run": text}), ("step", {"run": "last", "step": text})]
    calls += [("run", {}), ("stats", {}), ("findings", {"flow": text}), ("diff", {"a": text, "b": "last"})]
    calls += [(text, {}), ("cost", {text: text}), ("run", {"run": ["last"]})]
    hello = {"protocolVersion": text, "capabilities": {}, "clientInfo": {"name": text, "version": text}}
    lines: list[object] = [{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}]
    lines.append({"jsonrpc": "2.0", "method": "notifications/initialized"})
    for number, (tool, arguments) in enumerate(calls, 1):
        params = {"name": tool, "arguments": arguments}
        lines.append({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
    lines += [{"jsonrpc": "2.0", "id": text, "method": text}, [], text, {"jsonrpc": text, "id": {}}]
    file = machine.root / "mcp.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with file.open("rb") as given:
        done = call(machine, tally, "trace", "mcp", stdin=given)
    tally.ran()
    if done is None or _unknown(done):
        return
    answers = {}
    for line in done.out.decode("utf-8", "replace").split("\n"):
        _printed(tally, f"{name}: mcp", line)
        try:
            answer = json.loads(line) if line else {}
        except ValueError:
            tally.add("other", f"{name}: mcp: no JSON: {line[:80]!r}")
            continue
        answers[str(answer.get("id"))] = answer
    left = [number for number in range(len(calls) + 1) if str(number) not in answers]
    if left:
        tally.add("other", f"{name}: mcp: {left} are not answered; {done.err[-200:]!r}")


def _files(tally: Tally, name: str, machine: Machine, summary: Path) -> None:
    report = machine.project / "report.xml"
    if report.exists():
        try:
            ElementTree.parse(report)
        except ElementTree.ParseError as error:
            tally.add("other", f"{name}: report.xml: {error}")
    text = summary.read_text(errors="replace")
    _printed(tally, f"{name}: summary", text)
    if _MARKUP.search(_outside_code(text)):
        tally.add("other", f"{name}: summary: markup of a name: {text[:200]!r}")
    base = machine.project / "base.json"
    if base.exists():
        _printed(tally, f"{name}: base.json", base.read_text(errors="replace"))


def _strangers(seed: float, count: int, tally: Tally) -> None:
    """Files that are nearly right, read as a baseline, as a run to compare with, and to be imported."""
    rng = random.Random(seed)
    with stage() as machine:
        with Store(machine.data / "traces.db") as store:
            for number in range(1, 8):
                good = assembly(f"{number:012x}", start=1_775_469_720_000 + number * 60_000)
                store.save(good)
        exported = call(machine, tally, "trace", "export", "last", "--format", "json")
        call(machine, tally, "trace", "baseline", "my-flow", "-o", "base.json")
        base = machine.project / "base.json"
        whole = exported.out if exported is not None else b"{}"
        sources = [whole, *([base.read_bytes()] if base.exists() else [])]
        for number in range(count):
            file = machine.root / f"stranger-{number}.json"
            _stranger(rng, file, rng.choice(sources))
            for argv in (
                ["ci", "last", "--baseline", str(file), "--fail-on", "slower:20%"],
                ["diff", "last", "--baseline", str(file)],
                ["diff", str(file), "last"],
                ["import", str(file)],
            ):
                _answer(
                    tally,
                    f"stranger {number} of {seed}",
                    tuple(argv[:2]),
                    call(machine, tally, "--agent", "trace", *argv),
                )
        listed = call(machine, tally, "--agent", "trace", "list")
        _answer(tally, "after strangers", ("list",), listed)


def _stranger(rng: random.Random, file: Path, source: bytes) -> None:
    kind = rng.randrange(8)
    if kind == 0:
        _no_plain_file(rng, file)
    elif kind == 1:
        file.write_bytes(source[: rng.randrange(len(source))])
    elif kind == 2:
        changed = bytearray(source)
        for _ in range(rng.randint(1, 20)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        file.write_bytes(changed)
    elif kind == 3:
        file.write_bytes(b"[" * 200_000 if rng.random() < 0.5 else b'{"schema":' * 50_000)
    else:
        text = source.decode()
        values = list(re.finditer(r"(?<=:)\s*(?:-?\d[\d.]*|\"[^\"]*\"|null|\[\]|true|false)", text))
        for found in sorted(
            rng.sample(values, min(len(values), rng.randint(1, 4))), key=lambda one: -one.start()
        ):
            odd = rng.choice([*_ODD, json.dumps(rng.choice(list(HOSTILE.values())))])
            text = text[: found.start()] + odd + text[found.end() :]
        file.write_text(text)


def _no_plain_file(rng: random.Random, file: Path) -> None:
    kind = rng.randrange(5)
    if kind == 0:
        os.mkfifo(file)
    elif kind == 1:
        file.mkdir()
    elif kind == 2:
        file.symlink_to("/dev/zero")
    elif kind == 3:
        with file.open("wb") as sparse:
            sparse.truncate(300 << 30)
    else:
        file.symlink_to(file)
