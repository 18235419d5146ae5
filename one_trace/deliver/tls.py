"""Which certificates are trusted. No context here, and so no request anywhere, trusts everybody."""

from __future__ import annotations

import os
import ssl
from functools import cache

import httpx

from one_trace.deliver.retry import DeliveryError
from one_trace.guard.text import clean

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@cache
def trusted() -> ssl.SSLContext:
    """The trusted authorities. They take 20 ms to load, so they are loaded once, and early where possible.

    Raises DeliveryError where the environment names others that cannot be read.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one, too
        named = [name for name in _VARIABLES if os.environ.get(name)]
        where = f"{named[0]} ({shown(os.environ[named[0]])})" if named else "the certificates of certifi"
        wrong = f"{where} cannot be read: {reason(error)}"
        raise DeliveryError("network", wrong, hint=f"export {named[0]}=PATH" if named else None) from None


def from_files(authority: str, certificate: str, key: str) -> ssl.SSLContext:
    """The authorities in one file, and a client certificate with its key; each path may be empty.

    Raises OSError.
    """
    context = ssl.create_default_context(cafile=authority or None)
    if certificate:
        # An empty passphrase: OpenSSL would ask for one on the terminal of the run.
        context.load_cert_chain(certificate, key or None, password=lambda: "")
    return context


def shown(path: str) -> str:
    """The path in a variable, unless it is the key itself, which some put there."""
    return "its value is not a path" if "-----" in path or "\n" in path else clean(path, 200)


def reason(error: OSError) -> str:
    """What is wrong with a file of certificates, in our own words."""
    if isinstance(error, ssl.SSLError) or not error.errno:
        return "it has no certificate that can be read"
    return os.strerror(error.errno)
