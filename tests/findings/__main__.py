"""``python -m tests.findings [EACH] [SEED]``: precision and recall of the findings over known histories."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.findings.kinds import KINDS
from tests.findings.measure import measure

EACH = 12


def main() -> int:
    each, seed = (
        int(word) if word else default
        for word, default in zip((*sys.argv[1:3], "", ""), (EACH, 1), strict=False)
    )
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), each, seed)
    print(f"{found.histories} histories of {len(KINDS)} kinds, right in {found.right}")
    print(f"precision {found.precision:.3f}, recall {found.recall:.3f}")
    print(f"told to take out what ran: {len(found.take_out)}")
    for name, wrong in (("wrong", found.wrong), ("missed", found.missed)):
        for (kind, rule, step), count in sorted(Counter((one[0], *one[2:]) for one in wrong).items()):
            print(f"  {name}: {kind}: {rule} {step} x{count}")
    good = found.precision >= 0.95 and found.recall >= 0.95 and not found.take_out
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
