"""The standard variables of OTLP: where requests go, with which headers, and which parts of it are secret."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from one_trace.deliver.http_headers import checked
from one_trace.deliver.otlp_resource import ATTRIBUTES, user_attributes
from one_trace.deliver.retry import DeliveryError
from one_trace.errors import CliError, SettingsError
from one_trace.guard.urls import Url, parse
from one_trace.outbound.own_secrets import secret_parts

VARIABLES = (
    "ENDPOINT",
    "PROTOCOL",
    "HEADERS",
    "COMPRESSION",
    "TIMEOUT",
    "INSECURE",
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
)
"""What follows ``OTEL_EXPORTER_OTLP_`` or ``OTEL_EXPORTER_OTLP_TRACES_`` in the variables that are read."""
_PATH = "/v1/traces"
_FIX_HEADERS = "Fix OTEL_EXPORTER_OTLP_HEADERS (name=value, percent-encoded)."


def variable(name: str, env: Mapping[str, str]) -> tuple[str, str]:
    """The standard variable for traces, else the one for every signal: its name, and its value or ``""``."""
    for prefix in ("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"):
        if value := env.get(prefix + name, "").strip():
            return prefix + name, value
    return f"OTEL_EXPORTER_OTLP_{name}", ""


def unusable(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Variables whose value has no effect, and why. Those that stop everything are raised by `Otlp`."""
    for name, known, instead in (
        ("PROTOCOL", ("http/protobuf", "http/json"), "http/protobuf is spoken"),
        ("COMPRESSION", ("gzip", "none"), "nothing is compressed"),
    ):
        variable_name, value = variable(name, env)
        if value and value.lower() not in known:
            yield variable_name, f"only {' and '.join(known)} are known, so {instead}"
    variable_name, value = variable("TIMEOUT", env)
    if value and not (value.isascii() and value.isdigit()):
        yield variable_name, "it is not a number of milliseconds"
    if user_attributes(env) is None:
        yield ATTRIBUTES, "a part of it cannot be read, so all of it is ignored"


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


def headers(text: str) -> tuple[dict[str, bytes], list[str]]:
    """``name=value,name=value`` with percent-encoded values, as the specification has it: the headers, with
    names in lower case, and for each pair that is left out, why."""
    found: dict[str, bytes] = {}
    left_out = []
    for number, pair in enumerate(filter(str.strip, text.split(",")), 1):
        name, equals, value = pair.partition("=")
        header = {name.strip().lower(): unquote_to_bytes(value.strip())}
        try:
            checked(header)
        except DeliveryError as error:
            left_out.append(f"pair {number}: {error.message}")
        else:
            if equals:
                found |= header
            else:
                left_out.append(f"pair {number} has no '='")
    return found, left_out


def left_out(env: Mapping[str, str]) -> CliError | None:
    """That a header is not sent, of a variable that a part cannot be read of: requests go without it."""
    name, value = variable("HEADERS", env)
    reasons = headers(value)[1]
    if not reasons:
        return None
    more = f" and {len(reasons) - 1} more" if reasons[1:] else ""
    return CliError(
        f"OTLP is sent without a part of {name}: {reasons[0]}{more}",
        hint=_FIX_HEADERS,
        code="header-left-out",
    )


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
