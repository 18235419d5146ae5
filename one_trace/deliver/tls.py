"""Who is trusted over TLS. There is no context here, and so no request anywhere, that trusts everybody."""

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
    """The authorities that are trusted; 20 ms to load, so loaded once, and early where there is time.

    Raises DeliveryError where the environment names others that cannot be read.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one, too
        named = [name for name in _VARIABLES if os.environ.get(name)]
        where = f"{named[0]} ({shown(os.environ[named[0]])})" if named else "the certificates of certifi"
        raise DeliveryError("network", f"{where} cannot be read: {why(error)}") from None


@cache
def nobody() -> ssl.SSLContext:
    """For a server that is spoken to without TLS: no authority is loaded, which takes no time, and if it came
    to TLS after all, every certificate would be refused.
    """
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def given(authority: str, certificate: str, key: str) -> ssl.SSLContext:
    """The authorities in the file `authority`, and a certificate of our own; each may be empty.

    Raises OSError.
    """
    context = ssl.create_default_context(cafile=authority or None)
    if certificate:
        # A key with a passphrase is not asked for on the terminal of a run.
        context.load_cert_chain(certificate, key or None, password=lambda: "")
    return context


def shown(path: str) -> str:
    """The path in a variable, if it is one: some put the key itself there."""
    return "its value is no path" if "-----" in path or "\n" in path else clean(path, 200)


def why(error: OSError) -> str:
    """What is wrong with a file of certificates, in our own words."""
    if isinstance(error, ssl.SSLError) or not error.errno:
        return "it holds none that can be read"
    return os.strerror(error.errno)
