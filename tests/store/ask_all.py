"""Runs every command on one store after the other in this process: starting the program for each would take
minutes. Prints a line of JSON for each command that failed, and for each edit that `doctor` did not find.
"""

from __future__ import annotations

import gc
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from flips import COMMANDS, damaged, edited, fill

from one_trace.main import main


def ask(argv: list[str]) -> tuple[str, str]:
    """Stdout and stderr of one invocation, with the traceback if there is one."""
    gc.enable()  # commands switch it off
    sys.argv[1:] = argv
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    try:
        main()
    except Exception:  # noqa: BLE001
        traceback.print_exc()
    finally:
        texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (sys.stdout, sys.stderr)]
        sys.stdout, sys.stderr = before
    return texts[0], texts[1]


def wrong(out: str, err: str, *, document: bool) -> bool:
    if "Traceback" in out + err or '"internal"' in out or "is a fault in one-trace" in err:
        return True
    if not document:
        return False
    try:
        found = json.loads(out)
    except ValueError:
        return True
    return "error" in found and isinstance(found["error"], dict) and not found["error"]["code"]


def run(damage: Callable[[Path, Path, int], str], first: int, last: int) -> None:
    path, good = Path(os.environ["ONE_TRACES_DATA_DIR"]) / "traces.db", Path.cwd() / "good.db"
    fill(good)
    for number in range(first, last):
        kind = damage(good, path, number)
        for command in COMMANDS:
            for agent in (True, False):
                out, err = ask([*(["--agent"] if agent else []), "trace", *command])
                missed = command[0] == "doctor" and damage is edited and "damaged" not in out
                if missed or wrong(out, err, document=agent and "events" not in command):
                    print(json.dumps([number, kind, command, agent, out[-300:], err[-1500:]]), flush=True)


if __name__ == "__main__":
    run(edited if sys.argv[1] == "edited" else damaged, int(sys.argv[2]), int(sys.argv[3]))
    print("asked all")
