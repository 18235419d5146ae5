"""Sample flows that run offline. ``python -m one_trace.examples DIR`` copies them into a project."""

from __future__ import annotations

import shutil
from pathlib import Path

from one_trace.errors import CliError

FLOWS = Path(__file__).with_name("flows")
TOUR = "tour"
"""Has a skip, a retry that succeeds, a branch that times out, a loop over a sub-flow and a bash step."""
COMMAND = f"one flow execute {TOUR} --trace --allow-bash"


def copy_to(project: Path) -> list[Path]:
    """Copy the sample flows to ``project/.one/flows`` and return the files written.

    Existing files are kept: they may have been edited. Raises CliError if the directory is not writable.
    """
    target = project / ".one" / "flows"
    written = []
    try:
        for flow in sorted(FLOWS.iterdir()):
            file = target / flow.name / "flow.json"
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(flow / "flow.json", file)
                written.append(file)
    except OSError as error:
        raise CliError(
            f"cannot write the sample flows to {target}: {error.strerror or error}",
            hint="Choose a writable directory.",
        ) from error
    return written
