"""Random flows that the real One CLI runs and that say themselves where they are, by
``python -m tests.assemble.witnessed``.

``ONE_CLI`` names its program; ``--first 0 --runs 100`` are the seeds. The flows are those of `on_host`, but
each `code` step writes to stderr when it begins and when it ends, and in which iterations and sub-flows. So
it is known whether what a trace says for certain of such a step is right.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from one_trace.assemble import assemble
from one_trace.model.times import to_ms
from one_trace.model.trace import Span, Trace
from one_trace.record.files import RunFiles
from one_trace.record.reading import read
from tests.assemble.on_host import Maker, Step, each_seed, has_no_reading
from tests.runner.flows import transform

APART_MS = 8
"""On a busy machine as much lies between the words of a step and its line."""
LATE_MS = 40
"""So much may lie between its line and its first words: Node compiles what it runs first."""
WITNESS = """
const at = [%s, $.steps.%s.output]
const witness = (what) => process.stderr.write(JSON.stringify([...at, what, Date.now()]) + "\\n")
witness("begin")
try { return await (async () => { %s })() } finally { witness("end") }
"""
_PART = re.compile(r"([^\[#]+)(?:#\d+)?(?:\[(\d+)])?")
Key = tuple[str, ...]
"""A step's id, before that the loops with their iterations and the calls of sub-flows around it."""


class Happened(NamedTuple):
    """Epoch ms; `end`: None if it did not end."""

    begin: float
    end: float | None


def flows(seed: int) -> list[Step]:
    """With a step in each flow and each body of a loop that says where it is."""
    made = Maker(seed).flows()
    for each in made:
        each["inputs"]["at"] = {"type": "array", "default": []}
        each["steps"] = [transform("at", "$.input.at"), *witnessed(each["steps"], "at")]
    return made


def witnessed(steps: list[Step], around: str) -> list[Step]:
    for step in steps:
        kind, step_id = step["type"], step["id"]
        config = step[kind]
        if kind == "code":
            config["source"] = WITNESS % (json.dumps(step_id), around, config["source"])
        elif kind == "loop":
            inside = f"at_{step_id}"
            here = transform(inside, f"[$.steps.{around}.output, {json.dumps(step_id)}, $.loop.i]")
            config["steps"] = [here, *witnessed(config["steps"], inside)]
            config["maxConcurrency"] = max(2, config["maxConcurrency"])  # else a ghost changes its words
        elif kind == "flow":
            config["inputs"]["at"] = [f"$.steps.{around}.output", step_id]
        else:
            for body in ("steps", "then", "else"):
                witnessed(config.get(body, []), around)
    return steps


def what_happened(words: str) -> dict[Key, list[Happened]]:
    begun: dict[Key, list[float]] = defaultdict(list)
    ended: dict[Key, list[float]] = defaultdict(list)
    for line in words.splitlines():
        if line.startswith('["s'):
            step_id, at, what, ms = json.loads(line)
            (begun if what == "begin" else ended)[*flat(at), step_id].append(ms)
    return {
        key: [
            Happened(begin, end)
            for begin in times
            for end in (*ended[key], *[None] * (len(ended[key]) < len(times)))
            if end is None or end >= begin
        ]
        for key, times in begun.items()
    }


def flat(at: Any) -> Iterator[str]:
    if isinstance(at, list):
        for each in at:
            yield from flat(each)
    else:
        yield str(at)


def key_of(span: Span, kinds: dict[str, str]) -> Key:
    key: list[str] = []
    *around, own = span.path.split(" > ")[1:]
    for part in around:
        found = _PART.fullmatch(part)
        assert found is not None
        step_id, turn = found.groups()
        if kinds[step_id] == "loop":
            key += [step_id, turn]
        elif kinds[step_id] == "flow":
            key.append(step_id)
    return *key, own


def judged(
    trace: Trace, happened: dict[Key, list[Happened]], kinds: dict[str, str]
) -> Iterator[tuple[Span, bool]]:
    """The `code` spans whose place is certain, and whether they are right."""
    start = to_ms(trace.run.started_at) or 0
    for span in trace.spans:
        if span.type != "code" or span.attempts != 1 or {"iteration", "path"} & set(span.derived):
            continue
        if span.status not in ("success", "error"):
            continue
        begin = start + span.start_ms if "startMs" not in span.derived else None
        end = None
        if (
            begin is not None
            and not {"durationMs", "status"} & set(span.derived)
            and span.duration_ms is not None
        ):
            end = begin + span.duration_ms
        yield (
            span,
            any(
                (begin is None or -APART_MS <= each.begin - begin <= LATE_MS)
                and (end is None or each.end is None or abs(each.end - end) <= APART_MS)
                for each in happened.get(key_of(span, kinds), ())
            ),
        )


def kinds_in(steps: list[Step]) -> Iterator[tuple[str, str]]:
    for step in steps:
        yield step["id"], step["type"]
        for body in ("steps", "then", "else"):
            yield from kinds_in(step[step["type"]].get(body, []))


def counted(seed: int, project: Path, files: RunFiles) -> Counter[str]:
    happened = what_happened((project / "words").read_text())
    kinds = dict(kinds_in([step for each in flows(seed) for step in each["steps"]]))
    trace: Trace = assemble(read(files)).trace
    certain = list(judged(trace, happened, kinds))
    wrong = [span for span, right in certain if not right]
    if wrong:
        print(f"seed {seed}: {len(wrong)} of {len(certain)} are wrong, {wrong[0].path}", flush=True)
    return Counter(
        {
            "runs": 1,
            "code": sum(span.type == "code" for span in trace.spans),
            "certain": len(certain),
            "wrong": len(wrong),
            "runs with wrong": bool(wrong),
            "no reading": has_no_reading(trace),
        }
    )


def main() -> int:
    return each_seed("tests.assemble.witnessed", __doc__, flows, counted, lambda _: True)


if __name__ == "__main__":
    sys.exit(main())
