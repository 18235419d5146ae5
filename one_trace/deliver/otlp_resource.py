"""The resource of what is sent by OTLP: what the standard variables say, this machine, and the repository."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from urllib.parse import unquote

from one_trace.outbound.payload import Project

_NAME, ATTRIBUTES = "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"


def resource(
    project: Project, place: Mapping[str, str | int], env: Mapping[str, str]
) -> dict[str, str | int]:
    """Attributes by name. `place`: where the run took place; of the repository, git knows better. The user's
    own replace ours; ``OTEL_SERVICE_NAME`` replaces ``service.name``."""
    ours = {
        "vcs.repository.url.full": project.remote,
        "vcs.repository.name": project.remote.rpartition("/")[2] if project.remote else None,
        "vcs.ref.head.name": project.branch,
        "vcs.ref.head.type": "branch" if project.branch else None,
        "vcs.ref.head.revision": project.ref,
    }
    name = env.get(_NAME, "").strip()
    found: dict[str, str | int] = {"host.name": socket.gethostname(), **place}
    found |= {key: value for key, value in ours.items() if value}
    found |= user_attributes(env) or {}
    return found | ({"service.name": name} if name else {})


def user_attributes(env: Mapping[str, str]) -> dict[str, str] | None:
    """``OTEL_RESOURCE_ATTRIBUTES``: ``key=value,key=value``, values percent-encoded. None if a part of it
    cannot be read: by the specification, all of it is ignored then.
    """
    found = {}
    for pair in filter(str.strip, env.get(ATTRIBUTES, "").split(",")):
        key, equals, value = pair.partition("=")
        if not (equals and key.strip()):
            return None
        try:
            found[key.strip()] = unquote(value.strip(), errors="strict")
        except UnicodeDecodeError:
            return None
    return found
