"""Where a team's runs are read from: ``clickhouse://[user@]host[:port]/database[?secure=0]``, parsed.

TLS always, plain HTTP only to this machine (``?secure=0``). The URL may name the user, never the password: it
stands in settings, in shell histories and in process lists.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from one_trace.guard.urls import EXAMPLE, Url, parse

SCHEME = "clickhouse"
PORTS = {True: 8443, False: 8123}
"""ClickHouse's own ports for HTTP, with TLS and without."""
DEFAULT_USER = "default"
_FORM = "must be local, or a URL like clickhouse://host:8443/database"
_DATABASE = re.compile(r"/([A-Za-z0-9_][A-Za-z0-9_-]{0,63})/?\Z")
_USER = re.compile(r"[A-Za-z0-9_.@+-]{1,128}\Z")
_SECURE = {None: True, "secure=1": True, "secure=0": False}


class HistoryUrl(NamedTuple):
    """A ClickHouse database, asked over HTTP. `user`: `default` where the URL names none."""

    user: str
    host: str
    port: int
    database: str
    tls: bool

    @property
    def base(self) -> Url:
        """Where requests go."""
        return Url("https" if self.tls else "http", self.host, self.port, "/")

    @property
    def shown(self) -> str:
        """For messages: without the user."""
        return f"{self.server}/{self.database}"

    @property
    def server(self) -> str:
        return self.base._replace(scheme=SCHEME).origin

    @property
    def text(self) -> str:
        """As settings keep it."""
        user = "" if self.user == DEFAULT_USER else f"{quote(self.user, safe='')}@"
        secure = "" if self.tls else "?secure=0"
        return self.shown.replace("://", f"://{user}", 1) + secure


def parse_history(text: str) -> HistoryUrl:
    """Raises ValueError with a reason that does not quote the text: it may contain a password."""
    try:
        url = parse(text.strip())
    except ValueError as error:
        raise ValueError(_FORM if EXAMPLE in str(error) else str(error)) from None
    if url.scheme != SCHEME:
        raise ValueError(_FORM)
    if url.userinfo is not None and ":" in unquote(url.userinfo):
        raise ValueError("must be without a password: 'one trace login --history' keeps it")
    user = DEFAULT_USER if url.userinfo is None else unquote(url.userinfo)
    database = _DATABASE.match(url.path)
    if database is None or not _USER.match(user) or url.fragment is not None or url.query not in _SECURE:
        raise ValueError("must be clickhouse://[user@]host[:port]/database, with ?secure=0 for plain HTTP")
    tls = _SECURE[url.query]
    if not tls and not url.loopback:
        raise ValueError("must be with TLS: plain HTTP (?secure=0) is for this machine only")
    return HistoryUrl(user, url.host, url.port or PORTS[tls], database[1], tls)
