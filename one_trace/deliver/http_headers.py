"""Headers of requests: what can be sent as one. Apart from the HTTP client, which is expensive to import."""

from __future__ import annotations

import re
from collections.abc import Mapping

from one_trace.deliver.retry import DeliveryError

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}\Z")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def checked(headers: Mapping[str, str | bytes]) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent, a later one in place of an earlier one of its name.

    Raises DeliveryError (``refused``), which names the header and never its value.
    """
    found: dict[str, tuple[bytes, bytes]] = {}
    for name, value in headers.items():
        if not _HEADER_NAME.match(name):
            raise DeliveryError("refused", "a header cannot be sent: its name has invalid characters")
        data = (value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")).strip(b" \t")
        if _CONTROL.search(data):
            raise DeliveryError(
                "refused",
                f"the header {name} cannot be sent: its value has a line break or another control character",
            )
        found[name.lower()] = (name.encode(), data)
    return list(found.values())
