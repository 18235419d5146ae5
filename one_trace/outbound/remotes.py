"""A git remote without credentials: host and path, or nothing.

Remotes hold credentials in any place (`https://user:token@host`, `oauth2:token@host:path`, a query, a
parameter after `;`, a part of the path). So nothing is removed from the remote: host and path are taken out
of it, and must look like a host and a path.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from one_trace.guard.text import printable
from one_trace.guard.urls import PORTS, Url, parse

_SCHEMES = frozenset(("https", "http", "ssh", "git", "git+ssh", "ssh+git", "git+https", "git+http"))
_CLEAR = frozenset(("http", "git+http"))
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCP = re.compile(r"(?:(?P<user>[^/]+)@)?(?P<host>[A-Za-z0-9_][A-Za-z0-9._-]+):(?P<path>[^/:\\][^:@]*)\Z")
"""As in `git@host:path`. One letter and a colon are a drive of Windows."""
_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[\w.~+ -]+\Z")
_TOKEN = re.compile(
    r"(?i:\b(?:gh[a-z]_|github_pat_|gl[a-z]{2,5}-|xox[a-z]-|sk[-_]|pat[-_]|npm_|hf_|dop_v1_|ya29\.|eyJ|AKIA))"
    r"|(?=\w*[0-9])(?=\w*[A-Za-z])\w{32,}|(?=[\w-]*[0-9])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{20,}"
)
"""A part of a path that begins like a vendor's token, or is long and mixed like one."""


def clean_remote(text: str) -> str | None:
    """A remote without user, password, query and ``.git``; None for a place on this machine, and for anything
    that is not surely a host and a path.
    """
    if re.search(r"\s", text):
        return None
    text = printable(text)
    try:
        url = parse(text if _URL.match(text) else _scp_as_url(text))
    except ValueError:
        return None
    path = _path(url)
    if path is None or url.loopback or url.scheme not in _SCHEMES or _TOKEN.search(url.host):
        return None
    return _origin("http" if url.scheme in _CLEAR else "https", url) + f"/{path}"


def _scp_as_url(text: str) -> str:
    """``user@host:path`` as a URL. Raises ValueError for anything else."""
    found = _SCP.match(text)
    # A single word before the colon may be a name from ssh's own settings.
    if found is None or not (found["user"] or "." in found["host"]):
        raise ValueError("not a remote")
    return f"ssh://{found['host']}/{found['path']}"


def _origin(scheme: str, url: Url) -> str:
    """Scheme, host, and the port if a browser needs it: that of ssh is of no use to it."""
    port = url.port if url.scheme.endswith(("http", "https")) and url.port != PORTS[scheme] else None
    return url._replace(scheme=scheme, port=port).origin


def _path(url: Url) -> str | None:
    if "@" in (url.query or "") + (url.fragment or ""):
        return None  # a password with / ? or # in it: the host that was parsed is a part of it
    path, _, parameter = url.path.strip("/").partition(";")
    segments = unquote(path).split("/")
    if "/" in parameter or not all(map(_SEGMENT.match, segments)) or any(map(_TOKEN.search, segments)):
        return None
    return path.removesuffix(".git") or None
