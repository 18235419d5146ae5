"""Why a request failed, in our own words, told by the kind of the error and never by its text.

What libraries say quotes what they were given: a header's value, a proxy's password, the bytes of an answer.
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
    18: "its certificate is self-signed, and not trusted",
    19: "its certificate is signed by an authority that is not trusted",
    20: "its certificate is signed by an authority that is not known",
    62: "its certificate is for another host",
    64: "its certificate is for another address",
}
"""OpenSSL's codes of what is wrong with a certificate (``X509_V_ERR_...``)."""
_STATUS = re.compile(r"[1-5][0-9]{2}\b")


def failure(error: Exception) -> Unreachable | DeliveryError:
    """What is raised in place of an error of httpx, of the standard library or of the system."""
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            reason = _CERTIFICATES.get(each.verify_code, "its certificate is not trusted")
            return Unreachable(f"not reached: {reason}", at_once=True)
        if isinstance(each, ssl.SSLError):
            return Unreachable("not reached: it does not speak TLS as it should")
        if isinstance(each, socket.gaierror):
            return Unreachable("not reached: its name is not found", at_once=True)
        if isinstance(each, ConnectionRefusedError):
            return Unreachable("not reached: nothing answers there (connection refused)", at_once=True)
    return _of_httpx(error) or _of_system(chain)


def _of_httpx(error: Exception) -> Unreachable | DeliveryError | None:
    match error:
        case httpx.TimeoutException():
            return Unreachable("no answer in time")
        case httpx.ProxyError():
            status = _STATUS.match(str(error))
            return Unreachable("the proxy did not let it through" + (f" ({status[0]})" if status else ""))
        case httpx.LocalProtocolError():
            return DeliveryError("refused", "the request cannot be made with the headers that are set")
        case httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return DeliveryError("refused", "requests cannot be sent to such a URL")
        case httpx.RemoteProtocolError():
            return Unreachable("its answer broke off, or is not HTTP")
    return None


def _of_system(chain: list[BaseException]) -> Unreachable:
    codes = [each.errno for each in chain if isinstance(each, OSError) and each.errno]
    what = os.strerror(codes[0]) if codes else "the connection failed"
    return Unreachable(f"not reached: {what}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
