"""A parsed URL, on which every decision is made: is it TLS, is it loopback, where does a request go.

URLs are parsed once and strictly. What two parsers might read differently (a backslash, a blank, an escape in
a host, letters beyond ASCII) is refused. An address has one spelling (`2130706433` and `127.1` are
`127.0.0.1`, as for every resolver). Requests are built from the parts, never from the text. Errors never
quote the text: it may contain a key.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SHAPE = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?\Z"
)
_FORBIDDEN = re.compile(r'[^\x21-\x7e]|[\\"<>^`{|}]')
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?\Z")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_LOOPBACK = re.compile(r"127(?:\.[0-9]+){3}\Z")
"""Of a parsed host: a name never ends in a number."""
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_PLAIN_SEGMENT = re.compile(r"(?:v[0-9]{1,2}|[A-Za-z]+(?:[._-][A-Za-z]+)*)?\Z")
_LONGEST = 2048
_LONGEST_SEGMENT = 24
EXAMPLE = "https://example.com"
PORTS = {"https": 443, "http": 80}


class Url(NamedTuple):
    """The parts of a URL. `scheme` and `host` are in lower case; an IPv6 host has no brackets."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str | None = None
    userinfo: str | None = None
    fragment: str | None = None

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine, whatever a resolver would answer."""
        if ":" in self.host:
            from ipaddress import IPv6Address

            address = IPv6Address(self.host)
            return (address.ipv4_mapped or address).is_loopback
        return self.host == "localhost" or bool(_LOOPBACK.match(self.host))

    @property
    def port_in_force(self) -> int:
        return self.port or PORTS.get(self.scheme, 0)

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    @property
    def target(self) -> str:
        """Path and query, for a request line."""
        return (self.path or "/") + ("" if self.query is None else f"?{self.query}")

    @property
    def text(self) -> str:
        """The URL without the fragment."""
        user = "" if self.userinfo is None else f"{self.userinfo}@"
        query = "" if self.query is None else f"?{self.query}"
        return self.origin.replace("://", f"://{user}", 1) + self.path + query

    @property
    def shown(self) -> str:
        """The URL for messages: without user, password, query and path segments that do not read like words,
        since any of these may be a key.
        """
        return self.origin + "/".join(map(_shown_segment, self.path.rstrip("/").split("/")))

    def below(self, path: str) -> Url:
        """The URL of `path` under this one; the query is kept."""
        return self._replace(path=self.path.rstrip("/") + path)


def parse(text: str) -> Url:
    """Raises ValueError with a reason that does not quote `text`."""
    if len(text) > _LONGEST or _FORBIDDEN.search(text):
        raise ValueError("must be a URL of plain ASCII characters")
    found = _SHAPE.match(text)
    authority = found and _AUTHORITY.match(found[3])
    if found is None or authority is None:
        raise ValueError(f"must be a URL like {EXAMPLE}")
    port = int(authority[2]) if authority[2] else None
    if port is not None and not 0 < port < 1 << 16:
        raise ValueError("must be a URL with a port from 1 to 65535")
    return Url(found[1].lower(), _host(authority[1].lower()), port, found[4], found[5], found[2], found[6])


def _host(text: str) -> str:
    if text.startswith("["):
        from ipaddress import IPv6Address

        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise ValueError("must be a URL with an IPv6 address between the brackets") from None
    name = text.removesuffix(".")
    if not _NAME.match(name) or len(name) > 253:
        raise ValueError("must be a URL with a host name, or an address like 192.0.2.1 or [2001:db8::1]")
    return _address(name.split(".")) if _NUMBER.match(name.rpartition(".")[2]) else name


def _address(parts: list[str]) -> str:
    """An IPv4 address of one to four numbers, the last of which fills the remaining bytes."""
    wrong = ValueError(
        "must be a URL with an address like 127.0.0.1, or a host name that does not end in a number"
    )
    if len(parts) > 4 or not all(map(_NUMBER.match, parts)):
        raise wrong
    *first, last = map(_number, parts)
    if max(first, default=0) > 255 or last >= 256 ** (4 - len(first)):
        raise wrong
    data = bytes(first) + last.to_bytes(4 - len(first), "big")
    return ".".join(map(str, data))


def _number(text: str) -> int:
    """Hexadecimal after 0x, octal after 0, else decimal. Raises ValueError."""
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    octal = len(text) > 1 and text.startswith("0")
    if octal and not set(text) <= set("01234567"):
        raise ValueError("must be a URL with an address like 127.0.0.1")
    return int(text, 8 if octal else 10)


def _shown_segment(segment: str) -> str:
    return segment if len(segment) <= _LONGEST_SEGMENT and _PLAIN_SEGMENT.match(segment) else "…"
