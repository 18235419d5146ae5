"""``python -m one_trace.examples [DIR]``: put the sample flows into a project and say what to type next."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from one_trace.errors import Trouble
from one_trace.examples import COMMAND, copy_to


def main(argv: list[str]) -> int:
    """The exit code. DIR is where the project is; without it, here."""
    if len(argv) > 1 or argv[:1] in (["-h"], ["--help"]):
        sys.stdout.write(
            "Usage: python -m one_trace.examples [DIR]\n\nCopies the sample flows into DIR/.one/flows\n"
        )
        return 0 if len(argv) == 1 else 2
    project = Path(argv[0]) if argv else Path()
    try:
        written = copy_to(project)
    except Trouble as error:
        sys.stderr.write(f"one-trace: {error.message}\n  {error.hint}\n")
        return error.exit_code
    for file in written:
        sys.stdout.write(f"wrote {file}\n")
    where = f"cd {shlex.quote(str(project))} && " if project.resolve() != Path.cwd() else ""
    sys.stdout.write(f"Next: {where}{COMMAND}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
