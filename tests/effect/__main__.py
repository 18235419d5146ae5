"""``python -m tests.effect [SEED] [WORD]``: how often the first document has the answer. WORD chooses kinds.

If ``ONE_CLI`` is set to the real One CLI, it runs a part of them, too."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from tests.effect.cases import Case
from tests.effect.measure import Verdict, cases, measure

WORKERS = 2


def main(argv: Sequence[str]) -> int:
    seed = int(argv[0]) if argv and argv[0].isdecimal() else 1
    word = argv[-1] if argv and not argv[-1].isdecimal() else ""
    chosen = [case for case in cases(seed) if word in case.name]
    verdicts = _measured(chosen, "built-in", None)
    host = os.environ.get("ONE_CLI")
    if host and Path(host).exists():
        verdicts += _measured([case for case in chosen if case.host][::4], "one-cli", host)
    for verdict in verdicts:
        if verdict.lacks:
            print(f"{verdict.executor}: {verdict.case}: {'; '.join(verdict.lacks)}")
            if word:
                print(f"  {verdict.asked}\n  {json.dumps(verdict.document, indent=1)}")
    good = True
    for executor in dict.fromkeys(verdict.executor for verdict in verdicts):
        good &= _report(executor, [one for one in verdicts if one.executor == executor])
    return 0 if good else 1


def _measured(chosen: list[Case], executor: str, host: str | None) -> list[Verdict]:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as pool:
        parts = [Path(folder, str(number)) for number in range(WORKERS)]
        for part in parts:
            part.mkdir()
        shares = [chosen[number::WORKERS] for number in range(WORKERS)]
        done = pool.map(lambda part, share: measure(part, share, executor, host), parts, shares)
        return [verdict for verdicts in done for verdict in verdicts]


def _report(executor: str, verdicts: list[Verdict]) -> bool:
    right = sum(not verdict.lacks for verdict in verdicts)
    sizes = [verdict.characters for verdict in verdicts if verdict.characters] or [0]
    print(
        f"{executor}: {len(verdicts)} runs, right in the first document: {right}; "
        f"calls {sum(verdict.calls for verdict in verdicts) / max(len(verdicts), 1):.2f} a run; "
        f"characters: median {median(sizes):.0f}, most {max(sizes)}"
    )
    return right >= 0.9 * len(verdicts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
