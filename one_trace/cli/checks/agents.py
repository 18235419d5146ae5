"""The skill that tells coding agents of one-trace: whether it is there, and of this version."""

from __future__ import annotations

import os
from collections.abc import Iterator

from one_trace import __version__
from one_trace.agents.skill import Skill
from one_trace.answers.reports import Check
from one_trace.cli.setup import home

_FIX = "one trace setup agents"


def skill() -> Iterator[Check]:
    installed = Skill(home(), os.environ, project=False)
    found = installed.find()
    if found.state == "current":
        yield Check("skill", "ok", f"coding agents have the skill, in {installed.folder}")
    elif found.state == "missing":
        yield Check("skill", "note", "coding agents do not have the skill one-trace", _FIX)
    elif found.state == "stale":
        of = f"of {found.version}, and this is {__version__}"
        why = of if found.version != __version__ else "other than the one of this version"
        yield Check("skill", "note", f"the skill of coding agents is stale: it is {why}", _FIX)
    else:
        yield Check("skill", "note", f"{installed.folder} {found.note}: it is not kept up to date")
