"""``python -m one_trace.examples [DIR]``: copy the sample flows into a project."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from one_trace.cli.out import Out
from one_trace.errors import CliError
from one_trace.examples import COMMAND, copy_to


def main(argv: list[str]) -> int:
    """Copy the flows into DIR (default: the working directory) and return the exit code."""
    speaker = Out(agent=False)
    if len(argv) > 1 or argv[:1] in (["-h"], ["--help"]):
        usage = "Usage: python -m one_trace.examples [DIR]\n\nCopies the sample flows into DIR/.one/flows"
        speaker.answer(None, usage)
        return 0 if len(argv) == 1 else 2
    project = Path(argv[0]) if argv else Path()
    try:
        written = copy_to(project)
    except CliError as error:
        return speaker.fail(error)
    where = f"cd {shlex.quote(str(project))} && " if project.resolve() != Path.cwd() else ""
    speaker.answer(None, "\n".join([*(f"wrote {file}" for file in written), f"Next: {where}{COMMAND}"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
