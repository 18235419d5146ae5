"""Where a run takes place, in OpenTelemetry's words: this process, this machine, the job of a CI system."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

SYSTEM = "one.ci.system"
"""The attribute that a run in a CI job has."""
_SYSTEMS = {
    "GITHUB_ACTIONS": "github",
    "GITLAB_CI": "gitlab",
    "BUILDKITE": "buildkite",
    "JENKINS_URL": "jenkins",
}
"""CI systems by a variable that each sets."""


def place_of(env: Mapping[str, str]) -> dict[str, str | int]:
    """Attributes of the resource by name, for a run of this process."""
    found: dict[str, str | int] = {
        "host.name": os.uname().nodename,
        "process.pid": os.getpid(),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": ".".join(map(str, sys.version_info[:3])),
    }
    named = (name for variable, name in _SYSTEMS.items() if _is_set(env.get(variable, "")))
    system = next(named, None)
    if system is None:
        return found
    from one_trace.capture.ci_job import job

    return found | {SYSTEM: system} | job(system, env)


def _is_set(value: str) -> bool:
    return value.strip().lower() not in ("", "false")
