"""Which proxy stands between us and a server, as the environment (or the system) says.

Asked once for each server, on its parsed URL: an entry of ``NO_PROXY`` that is no host excludes nothing, and
stops nothing.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.request import getproxies

import httpx

from one_trace.deliver.retry import DeliveryError
from one_trace.deliver.tls import trusted
from one_trace.guard.urls import Url


class Proxy(NamedTuple):
    """A proxy. `secrets`: user and password of its URL, which are for the proxy alone."""

    used: httpx.Proxy
    secrets: tuple[str, ...]


def proxy_of(url: Url) -> Proxy | None:
    """The proxy for requests to `url`; None for this machine, which is always reached directly.

    Raises DeliveryError where there is one that cannot be used.
    """
    if url.loopback:
        return None
    found = getproxies()
    name = url.scheme if found.get(url.scheme) else "all"
    text = found.get(name, "")
    if not text or excluded(url, found.get("no", "")):
        return None
    try:
        used = httpx.Proxy(text if "://" in text else f"http://{text}")
    except (ValueError, TypeError, httpx.InvalidURL):
        # Not its own words: they quote the URL, and a password may be in it.
        raise unusable(f"{name}_proxy") from None
    if used.url.scheme == "https":
        used.ssl_context = trusted()
    return Proxy(used, used.auth or ())


def unusable(variable: str) -> DeliveryError:
    return DeliveryError(
        "network", f"the proxy in {variable} cannot be used: it is no http, https or socks5 URL"
    )


def excluded(url: Url, entries: str) -> bool:
    """Whether ``NO_PROXY`` (`entries`) names the host of `url`: ``*``, a name and all below it, an address, a
    network; each with a port or without.
    """
    return any(_names(entry, url) for entry in re.split(r"[,\s]+", entries.lower()) if entry)


def _names(entry: str, url: Url) -> bool:
    host, port = _host_and_port(entry)
    if port and port != str(url.port_in_force):
        return False
    name = host.removeprefix("*").removeprefix(".").removesuffix(".")
    return host == "*" or url.host == name or url.host.endswith(f".{name}") or _within(url.host, name)


def _host_and_port(entry: str) -> tuple[str, str]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::([0-9]+))?", entry)
    if bracketed:
        return bracketed[1], bracketed[2] or ""
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon and ":" not in host and port.isdecimal() else (entry, "")


def _within(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
