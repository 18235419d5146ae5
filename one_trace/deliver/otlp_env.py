"""The standard variables of OTLP: where requests go, with which headers, and which parts of it are secret."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from one_trace.deliver.http_client import checked
from one_trace.deliver.retry import DeliveryError
from one_trace.errors import CliError, SettingsError
from one_trace.guard.urls import Url, parse
from one_trace.outbound.own_secrets import secret_parts

_PATH = "/v1/traces"
_FIX_HEADERS = (
    "Fix OTEL_EXPORTER_OTLP_HEADERS (name=value, percent-encoded); then 'one trace sync --retry-failed'."
)


def endpoint(given: str | None, env: Mapping[str, str]) -> Url:
    """Where requests go: `given` (``traces.otlp_endpoint``), else the variable for traces as it is, else the
    one for all signals. Raises CliError where there is none, or it is not a URL.
    """
    exact, base = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    if given:
        return _below(_parsed("traces.otlp_endpoint", given))
    if text := env.get(exact, "").strip():
        return _parsed(exact, text)
    if text := env.get(base, "").strip():
        return _below(_parsed(base, text))
    raise CliError("the sink otlp has no endpoint", hint="one config set traces.otlp_endpoint URL")


def _parsed(name: str, text: str) -> Url:
    try:
        url = parse(text)
    except ValueError as error:
        raise SettingsError(f"{name} {error}", hint=f"Fix {name}.") from None
    if url.scheme not in ("http", "https") or url.fragment is not None:
        raise SettingsError(f"{name} must be an http or https URL", hint=f"Fix {name}.")
    return url


def _below(url: Url) -> Url:
    return url if url.path.rstrip("/").endswith(_PATH) else url.below(_PATH)


def headers(text: str) -> dict[str, bytes]:
    """``name=value,name=value`` with percent-encoded values, as the specification has it. Names are in lower
    case.

    Raises DeliveryError, which names the header that cannot be sent, or the number of its pair.
    """
    pairs = [pair.partition("=") for pair in text.split(",") if "=" in pair]
    found: dict[str, bytes] = {}
    for number, (name, _, value) in enumerate(pairs, 1):
        header = {name.strip().lower(): unquote_to_bytes(value.strip())}
        try:
            checked(header)
        except DeliveryError as error:
            message = f"OTLP: {error.message} (pair {number} of OTEL_EXPORTER_OTLP_HEADERS)"
            raise DeliveryError("refused", message, hint=_FIX_HEADERS) from None
        found |= header
    return found


def basic(url: Url) -> dict[str, str]:
    """User and password of a URL as a header."""
    if url.userinfo is None:
        return {}
    return {"authorization": f"Basic {base64.b64encode(unquote_to_bytes(url.userinfo)).decode()}"}


def secrets(url: Url, given: Mapping[str, bytes]) -> set[str]:
    """Everything in the URL and the headers that may be a key."""
    found = {part for value in given.values() for part in secret_parts(value.decode("utf-8", "replace"))}
    user = unquote(url.userinfo or "")
    return found | {user, *user.split(":")} | {value for _, value in parse_qsl(url.query or "")}
