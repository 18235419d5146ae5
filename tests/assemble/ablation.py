"""Is each condition of the assembler needed? ``python -m tests.assemble.ablation``

Each guard, term of a cost and operand of a boolean is taken out once (`tests.oracle.mutants`), and the
corpus is assembled by what is left: the named cases, the recordings, random runs by seed, damaged records. A
condition is noticed if some trace is wrong then, says that it is less certain, throws, or does not end. A
case is tried only where the condition decides something in it.

    --seconds N      begin nothing after so long; a later call goes on where this one ended
    --modules A,B    only these modules
    --again          the conditions that nothing noticed once more
    --unnoticed      print them, and try nothing
    --named          print what each named case alone notices, and try nothing

What was found is kept in a folder in the temporary directory, by the text of the function; the figures in
`ablation.json`.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from random import Random

import msgspec

from tests.assemble.cases import Case, corpus
from tests.assemble.reach import reached
from tests.oracle.mutants import PACKAGE, Mutant, applied, mutants_of, source_of

FIGURES = Path(__file__).with_name("ablation.json")
ELSEWHERE = (
    "cause",
    "commands",
    "envelopes",
    "error_class",
    "explained",
    "inputs",
    "measured",
    "notes",
    "planned",
    "shared_files",
    "sizes",
    "templates",
    "usage",
    "views",
)
"""Modules that say nothing of the tree, and have tests of their own."""
TOO_LONG_S = 20
"""Of the processor: the machine may be busy."""
ENOUGH = 12
"""Named cases that notice a condition: no more are looked for."""
OTHERS = 60
"""Other cases that are tried where no named one notices."""
NOTICES = frozenset({"wrong", "unsure", "throws", "endless"})
MOST_UNNOTICED = 0.2


class Found(msgspec.Struct, frozen=True):
    """What became of the corpus without a condition. `by`: the named cases that notice it, or else the first
    of the others that does; `changed`: the first of which the trace is another, but no worse."""

    mutant: Mutant
    function: str
    """A digest of the text of the function."""
    how: str
    by: list[str]
    reached: int
    """In how many cases it decides something."""
    changed: str | None = None

    @property
    def noticed(self) -> bool:
        return self.how in NOTICES


def modules() -> list[str]:
    folder = Path(str(importlib.import_module(PACKAGE).__file__)).parent
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.py"))
    dotted = (name.replace("/", ".").removesuffix(".__init__") for name in names)
    return sorted(name for name in dotted if name.rpartition(".")[2] not in ELSEWHERE and "sizes" not in name)


class Results:
    """What was found so far, by condition and text of its function."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._found: dict[tuple[Mutant, str], Found] = {}
        for line in file.read_bytes().splitlines() if file.exists() else ():
            found = msgspec.json.decode(line, type=Found)
            self._found[found.mutant, found.function] = found

    def get(self, mutant: Mutant, function: str) -> Found | None:
        return self._found.get((mutant, function))

    def add(self, found: Found) -> None:
        self._found[found.mutant, found.function] = found
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(found) + b"\n")


def functions_of(module: str) -> dict[str, str]:
    """A digest of the text of each function and method, by qualified name, without those inside others."""
    found: dict[str, str] = {}
    for node in ast.parse(source_of(module)).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        above = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for each in inner:
            if isinstance(each, ast.FunctionDef):
                found[above + each.name] = blake2b(ast.unparse(each).encode(), digest_size=6).hexdigest()
    return found


def conditions(names: Sequence[str]) -> list[tuple[Mutant, str]]:
    """All that can be taken out, each with the digest of its function."""
    found = []
    for name in names:
        digests = functions_of(name)
        for mutant in mutants_of(name):
            outer = next(digests[key] for key in digests if f"{mutant.function}.".startswith(f"{key}."))
            found.append((mutant, outer))
    return found


def try_without(mutant: Mutant, digest: str, cases: Sequence[Case]) -> Found:
    """Assemble these cases without a condition, in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.signal(signal.SIGVTALRM, lambda *_: os._exit(3))
        signal.setitimer(signal.ITIMER_VIRTUAL, TOO_LONG_S)
        answer = msgspec.json.encode(_tried(mutant, digest, cases))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        return Found(mutant, digest, "endless", [], len(cases))
    return msgspec.json.decode(answer, type=Found)


def _tried(mutant: Mutant, digest: str, cases: Sequence[Case]) -> Found:
    hows: Counter[str] = Counter()
    by: list[str] = []
    changed: str | None = None
    named = [case for case in cases if case.group == "named"]
    Random(str(mutant)).shuffle(named)
    others = [case for case in cases if case.group != "named"]
    Random(str(mutant)).shuffle(others)
    with applied(mutant):
        for case in [*named, *others[:OTHERS]]:
            if len(by) >= ENOUGH or (by and case.group != "named"):
                break
            how = _verdict(case)
            if how in NOTICES:
                hows[how] += 1
                by.append(case.name)
            elif how == "changed":
                changed = changed or case.name
    how = hows.most_common(1)[0][0] if hows else "changed" if changed else "same"
    return Found(mutant, digest, how, by, len(cases), changed)


def _verdict(case: Case) -> str:
    try:
        return case.verdict()
    except Exception:  # noqa: BLE001  whatever is thrown shows that the condition is needed
        return "throws"


def try_all(wanted: list[tuple[Mutant, str]], results: Results, seconds: float) -> None:
    began = time.monotonic()
    names = sorted({mutant.module for mutant, _ in wanted})
    with corpus() as cases:
        deciding: dict[Mutant, list[Case]] = {}
        with reached(names) as reach:
            for case in cases:
                case.verdict()
                for mutant in reach.take():
                    deciding.setdefault(mutant, []).append(case)
        print(f"{len(cases)} cases, {len(wanted)} conditions, {time.monotonic() - began:.0f} s", flush=True)
        gc.freeze()
        for at, (mutant, digest) in enumerate(wanted):
            if time.monotonic() - began > seconds:
                break
            results.add(try_without(mutant, digest, deciding.get(mutant, [])))
            if at % 100 == 99:
                print(f"{at + 1} of {len(wanted)}, {time.monotonic() - began:.0f} s", file=sys.stderr)


def report(found: Sequence[Found], whole: int) -> float:
    """The table by module; what part of the conditions is unnoticed."""
    by_module: dict[str, Counter[str]] = {}
    for each in found:
        by_module.setdefault(each.mutant.module, Counter())[each.how] += 1
    columns = ("wrong", "throws", "endless", "unsure", "changed", "same")
    print(f"{'':18}{'conditions':>12}" + "".join(f"{column:>9}" for column in columns))
    total: Counter[str] = sum(by_module.values(), Counter())
    for name, hows in [*sorted(by_module.items()), ("all", total)]:
        print(f"{name:18}{hows.total():12}" + "".join(f"{hows[column]:9}" for column in columns))
    unnoticed = sum(not each.noticed for each in found)
    part = unnoticed / max(1, len(found))
    print(f"{unnoticed} of {len(found)} unnoticed, {part:.1%}; {whole - len(found)} not tried yet")
    return part


def keep_figures(found: Sequence[Found], whole: int) -> None:
    """`tried`: how many of the conditions, a fair sample of all."""
    figures = {
        "conditions": whole,
        "tried": len(found),
        "unnoticed": sum(not each.noticed for each in found),
        "how": dict(sorted(Counter(each.how for each in found).items())),
    }
    FIGURES.write_text(msgspec.json.format(msgspec.json.encode(figures), indent=1).decode() + "\n")


def only(found: Sequence[Found]) -> dict[str, int]:
    """How many conditions each named case is alone to notice among these."""
    alone: Counter[str] = Counter()
    for each in found:
        named = [name for name in each.by if name.startswith("named:")]
        if len(named) == 1:
            alone[named[0].removeprefix("named:")] += 1
    return alone


def unnoticed(found: Sequence[Found]) -> Iterator[str]:
    for each in found:
        if not each.noticed:
            yield f"{each.how:8} {each.reached:4} {each.mutant}  {each.changed or ''}"


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.assemble.ablation",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--modules", type=lambda text: text.split(","), default=None)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--unnoticed", action="store_true")
    parser.add_argument("--named", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "one-trace-ablation")
    asked = parser.parse_args(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    results = Results(asked.folder / "found.jsonl")
    wanted = conditions(asked.modules or modules())
    known = [results.get(*each) for each in wanted]
    if not (asked.unnoticed or asked.named):
        left = [
            each
            for each, found in zip(wanted, known, strict=True)
            if found is None or (asked.again and not found.noticed)
        ]
        Random(1).shuffle(left)  # so that a slice is a fair sample
        try_all(left, results, asked.seconds)
        known = [results.get(*each) for each in wanted]
    found = [each for each in known if each is not None]
    if asked.unnoticed:
        print("\n".join(unnoticed(found)))
        return 0
    if asked.named:
        print("\n".join(f"{count:4} {name}" for name, count in only(found).items()))
        return 0
    part = report(found, len(wanted))
    if asked.modules is None:
        keep_figures(found, len(wanted))
    return 1 if part > MOST_UNNOTICED else 0


if __name__ == "__main__":
    sys.exit(main())
