"""The proxy for a server, from the environment or the system.

Looked up once per server, on its parsed URL. httpx's own lookup fails on entries of ``NO_PROXY`` that are not
hosts, and the standard library's does not know networks; here an entry that cannot be read is ignored.
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

_WITH_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:]*)):([0-9]+)")


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
    proxies = getproxies()
    name = url.scheme if proxies.get(url.scheme) else "all"
    text = proxies.get(name, "")
    if not text or excluded(url, proxies.get("no", "")):
        return None
    try:
        used = httpx.Proxy(text if "://" in text else f"http://{text}")
    except (ValueError, TypeError, httpx.InvalidURL):
        # Without httpx's own words: they quote the URL, which may have a password in it.
        raise DeliveryError(
            "network", f"the proxy in {name}_proxy cannot be used: it is not an http, https or socks5 URL"
        ) from None
    if used.url.scheme == "https":
        used.ssl_context = trusted()
    return Proxy(used, used.auth or ())


def excluded(url: Url, entries: str) -> bool:
    """Whether ``NO_PROXY`` (`entries`) names the host of `url`: ``*``, a name and all below it, an address,
    a network; each with or without a port.
    """
    return any(_matches(entry, url) for entry in re.split(r"[,\s]+", entries.lower()) if entry)


def _matches(entry: str, url: Url) -> bool:
    host, port = entry, ""
    if with_port := _WITH_PORT.fullmatch(entry):
        host, port = with_port[1] or with_port[2] or "", with_port[3]
    if port not in ("", str(url.port_in_force)):
        return False
    name = host.removeprefix("*").removeprefix(".").removesuffix(".")
    return host == "*" or url.host == name or url.host.endswith(f".{name}") or _in_network(url.host, name)


def _in_network(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
