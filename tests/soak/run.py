"""Plays the parts of the soak and prints a table."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import time
from pathlib import Path

from tests.soak.scene import Options
from tests.soak.tally import HEAD, Tally

_VARIES = re.compile(r"one-trace-soak-\w+|0x[0-9a-f]+|\b[0-9a-f]{12,32}\b|\d+")
"""What differs between two of a kind."""
PARTS = {
    "kills": "1,000 SIGKILLs of ours and of the host in run, save and delivery",
    "servers": "40 and more kinds of server behaviour, both sinks",
    "together": "32 traced runs at once in one folder",
    "flipped": "a store flipped in 200 places",
    "full": "a disk full at 50 sizes",
    "clocks": "a clock that is set back",
    "surfaces": "hostile names and files of strangers, through every surface",
}


def main() -> int:
    """1 if anything is unexplained."""
    given = _given()
    options = Options(given.seed, given.scale, given.workers)
    print(f"seed {given.seed}, scale {given.scale:g}, {given.workers} at once")
    print(HEAD, flush=True)
    tallies = []
    for part in given.only or PARTS:
        tally, begun = Tally(part), time.monotonic()
        importlib.import_module(f"tests.soak.{part}").play(options, tally)
        tally.seconds = time.monotonic() - begun
        print(tally.row(), flush=True)
        tallies.append(tally)
    _reported(tallies, given.most)
    return 1 if any(tally.unexplained for tally in tallies) else 0


def _reported(tallies: list[Tally], most: int) -> None:
    for tally in tallies:
        for note in tally.notes:
            print(f"  {tally.part}: {note}")
    for tally in tallies:
        for why, times in sorted(tally.explained.items()):
            print(f"explained: {tally.part}: {times} x {why}")
    unexplained = [what for tally in tallies for what in tally.unexplained]
    alike: dict[str, list[str]] = {}
    for what in unexplained:
        alike.setdefault(_VARIES.sub("#", what), []).append(what)
    for those in list(alike.values())[:most]:
        print(f"UNEXPLAINED: {len(those)} x {those[0]}")
    if len(alike) > most:
        print(f"... and {len(alike) - most} other kinds (--most {len(alike)})")
    print(f"{len(unexplained)} unexplained, of {len(alike)} kinds")


def _given() -> argparse.Namespace:
    parts = "".join(f"\n  {name:10}{what}" for name, what in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=f"Faults by the thousand, counted; loopback only. Parts:{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=1, help="the choices that are made (default: 1)")
    parser.add_argument("--scale", type=float, default=1.0, help="0.1: a tenth of everything")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be repeated")
    parser.add_argument("--workers", type=int, default=4, help="programs at once (default: 4)")
    parser.add_argument("--most", type=int, default=40, help="kinds of unexplained to print (default: 40)")
    if not (Path.cwd() / "one_trace").is_dir():
        parser.exit(2, "python -m tests.soak is run in the project's folder\n")
    return parser.parse_args(sys.argv[1:])
