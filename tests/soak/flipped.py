"""A store flipped in places: every command answers or says what is wrong, and a run never minds."""

from __future__ import annotations

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from tests.assemble.recorded import lay_out
from tests.machine import Done, Machine
from tests.soak.scene import Options, call, document, has_traceback, same_output, stage
from tests.soak.tally import Tally

PLACES = 200
EACH = 3
"""Commands that are tried on each; all of them are tried on some."""
CASES = ("02-linear-unicode", "06-loop-seq", "22-skips", "27-retry-third", "97b-realistic-fails")
COMMANDS = (
    ("trace", "list"),
    ("trace", "show", "last"),
    ("trace", "stats"),
    ("trace", "insights", "loop-seq"),
    ("trace", "cost"),
    ("trace", "export", "last", "--format", "json"),
    ("trace", "export", "last", "--format", "perfetto"),
    ("trace", "doctor"),
    ("trace", "import"),
    ("trace", "sync"),
    ("trace", "prune", "--older-than", "2020-01-01"),
    ("flow", "execute", "k"),
)
_PAGE = 4096
_CODES = range(6)


def play(options: Options, tally: Tally) -> None:
    rng = options.rng("flipped")
    with stage() as first:
        store = _filled(first, tally)
        if store is None:
            return
        size, places = store.stat().st_size, options.times(PLACES)
        tally.notes.append(f"{places} places of a store of {size:,} bytes, {EACH} commands each")
        commands = cycle(COMMANDS)
        flips = [(_flips(rng, size), list(islice(commands, EACH))) for _ in range(places)]
        with ThreadPoolExecutor(options.workers) as pool:
            tries = [pool.submit(_try, store, *flip, tally) for flip in flips]
            for each in tries:
                each.result()


def _filled(machine: Machine, tally: Tally) -> Path | None:
    """A store with runs of several kinds, the same ones each time, that wait to be delivered."""
    machine.env |= {"TRACES_API_KEY": "trk_x", "ONE_TRACES_ENDPOINT": "http://127.0.0.1:9"}
    for case in CASES:
        lay_out(case, machine.project)
    for argv in (["import"], ["sync", "--since", "9999d"], ["list"]):
        call(machine, tally, "--agent", "trace", *argv)
    store = machine.data / "traces.db"
    if not store.exists():
        tally.add("other", "there is no store to flip")
        return None
    return store


def _flips(rng: random.Random, size: int) -> list[tuple[int, int]]:
    """Places, and what is flipped there: of a page's head or of anything, one byte or some."""
    places = []
    for _ in range(rng.choice((1, 1, 1, 16))):
        place = rng.randrange(size)
        if rng.random() < 0.5:  # where a page says what it is
            place = place // _PAGE * _PAGE + rng.randrange(100)
        places.append((min(place, size - 1), rng.randrange(1, 256)))
    return places


def _try(store: Path, flips: list[tuple[int, int]], commands: list[tuple[str, ...]], tally: Tally) -> None:
    with stage("02-linear-unicode") as machine:
        machine.env |= {"TRACES_API_KEY": "trk_x", "ONE_TRACES_ENDPOINT": "http://127.0.0.1:9"}
        machine.env["ONE_TRACES_FLUSH_TIMEOUT"] = "0.1"
        data = bytearray(store.read_bytes())
        for place, mask in flips:
            data[place] ^= mask
        for argv in commands:
            for left in machine.data.iterdir():
                left.unlink() if left.is_file() else shutil.rmtree(left)
            (machine.data / "traces.db").write_bytes(data)
            tally.ran()
            what = f"{' '.join(argv)}, flipped at {flips[0][0]}" + ("" if len(flips) == 1 else " and more")
            if argv[0] == "flow":
                _run(machine, what, argv, tally)
            else:
                _ask(machine, what, argv, tally)


def _run(machine: Machine, what: str, argv: tuple[str, ...], tally: Tally) -> None:
    plain = call(machine, tally, "--agent", *argv, "--no-trace")
    done = call(machine, tally, "--agent", *argv, "--trace")
    if plain is None or done is None:
        return
    if done.code != plain.code or not same_output(done.out, plain.out):
        tally.add("codes", f"{what}: exit {done.code} for {plain.code}, or another output")
    if len([line for line in done.err.split(b"\n") if line.startswith(b'{"event":"trace:')]) != 1:
        tally.add("other", f"{what}: not one line about the trace: {done.err[:300]!r}")


def _ask(machine: Machine, what: str, argv: tuple[str, ...], tally: Tally) -> None:
    done = call(machine, tally, "--agent", *argv)
    if done is None:
        return
    found = document(done)
    if found is None and has_traceback(done):
        return  # counted
    if done.code not in _CODES:
        tally.add("codes", f"{what}: exit {done.code}: {_end(done)}")
    elif found is None:
        tally.add("other", f"{what}: no JSON document: {_end(done)}")
    elif done.code and "error" not in found and argv[1] not in ("doctor", "import"):
        tally.add("other", f"{what}: exit {done.code} without an error in the document")


def _end(done: Done) -> str:
    return repr((done.err or done.out)[-200:])
