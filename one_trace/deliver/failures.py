"""Why a request failed, in our own words, from the kind of the error and never from its text.

Messages of libraries quote their input: a header's value, a proxy's password, the bytes of an answer.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator

import httpx

from one_trace.deliver.retry import DeliveryError, Unreachable

_CERTIFICATES = {
    10: "its certificate has expired",
    18: "its certificate is self-signed and not trusted",
    19: "its certificate is signed by an authority that is not trusted",
    20: "its certificate is signed by an unknown authority",
    62: "its certificate is for another host",
    64: "its certificate is for another address",
}
"""OpenSSL's verification errors (``X509_V_ERR_...``)."""
_STATUS = re.compile(r"[1-5][0-9]{2}\b")


def failure(error: Exception) -> DeliveryError:
    """What to raise in place of an error of httpx, the standard library or the system."""
    chain = list(_chain(error))
    for cause in chain:
        match cause:
            case ssl.SSLCertVerificationError():
                reason = _CERTIFICATES.get(cause.verify_code, "its certificate is not trusted")
                return Unreachable(f"not reached: {reason}", lasting=True)
            case ssl.SSLError():
                return Unreachable("not reached: the TLS handshake failed")
            case socket.gaierror():
                return Unreachable("not reached: its name does not resolve", lasting=True)
            case ConnectionRefusedError():
                return Unreachable("not reached: connection refused", lasting=True)
    return _httpx_failure(error) or _system_failure(chain)


def _httpx_failure(error: Exception) -> DeliveryError | None:
    match error:
        case httpx.TimeoutException():
            return Unreachable("no answer in time")
        case httpx.ProxyError():
            status = _STATUS.match(str(error))
            return Unreachable("the proxy refused the connection" + (f" ({status[0]})" if status else ""))
        case httpx.LocalProtocolError():
            return DeliveryError("refused", "the request cannot be made with the headers that are set")
        case httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return DeliveryError("refused", "requests cannot be sent to such a URL")
        case httpx.RemoteProtocolError():
            return Unreachable("its answer broke off or is not HTTP")
    return None


def _system_failure(chain: list[BaseException]) -> Unreachable:
    codes = [cause.errno for cause in chain if isinstance(cause, OSError) and cause.errno]
    return Unreachable(f"not reached: {os.strerror(codes[0]) if codes else 'the connection failed'}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
