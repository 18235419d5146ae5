"""Sample flows that run offline, and their way into a project: ``python -m one_trace.examples DIR``."""

from __future__ import annotations

import shutil
from pathlib import Path

from one_trace.errors import CliError

FLOWS = Path(__file__).with_name("flows")
TOUR = "tour"
"""Shows a skip, a retry that works, a branch that times out, a loop over a sub-flow and a bash step."""
COMMAND = f"one flow execute {TOUR} --trace --allow-bash"


def copy_to(project: Path) -> list[Path]:
    """Copy the sample flows into ``project/.one/flows``; the flow files written.

    A flow that is there already is left as it is, since it may have been changed. Raises CliError where
    nothing can be written.
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
            f"the sample flows cannot be written to {target}: {error.strerror or error}",
            hint="Name a folder that can be written to.",
        ) from error
    return written
