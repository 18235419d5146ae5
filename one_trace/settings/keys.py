"""The `traces.*` keys: the one place that knows what each one is and how its value is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from one_trace.settings.paths import expand

Visibility = Literal["private", "direct", "public"]
SINKS = ("traces.com", "otlp")
FOREVER = "forever"
_UNIT_MS = {"h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
VISIBILITIES = ("private", "direct", "public")


def read_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("true", "1", "yes", "on"):
        return True
    if word in ("false", "0", "no", "off"):
        return False
    raise ValueError("must be true or false")


def read_seconds(value: object) -> float:
    try:
        seconds = (
            float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else -1.0
        )
    except (ValueError, OverflowError):  # TOML knows integers that no float can hold
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise ValueError("must be a number of seconds from 0 to 3600")
    return seconds


def read_slug(value: object) -> str:
    slug = value if isinstance(value, str) else ""
    name = slug[1:]
    if (
        not slug.startswith("@")
        or not name
        or len(name) > 100
        or not name.replace("-", "").replace("_", "").isalnum()
    ):
        raise ValueError("must be a namespace like @my-org")
    return slug


def read_url(value: object) -> str:
    """An https URL, or an http one on loopback: the key of traces.com and the traces go there."""
    return _endpoint(value, clear=False)


def read_otlp_url(value: object) -> str:
    """An https or http URL: whether a credential may go there is asked where there is one."""
    return _endpoint(value, clear=True)


def _endpoint(value: object, *, clear: bool) -> str:
    from one_trace.guard.urls import parse

    wanted = "an http or https URL" if clear else "an https URL, or an http one on loopback"
    if not isinstance(value, str):
        raise ValueError(f"must be {wanted}")
    url = parse(value)
    if not (url.tls or (url.scheme == "http" and (clear or url.loopback))):
        raise ValueError(f"must be {wanted}")
    if url.userinfo is not None or url.fragment is not None or not (clear or url.query is None):
        raise ValueError(f"must be {wanted}, without user name, query and fragment")
    return url._replace(path=url.path.rstrip("/")).text


def read_path(value: object) -> str:
    path = expand(value.strip(), os.environ) if isinstance(value, str) else ""
    if path.startswith("~"):
        raise ValueError("begins with ~, and there is no such home folder")
    if not os.path.isabs(path) or "\0" in path:
        raise ValueError("must be an absolute path, or one that begins with ~")
    return path


def read_retention(value: object) -> str:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word != FOREVER and retention_ms(word) is None:
        raise ValueError("must be an age like 90d, 12w or 36h, or forever")
    return word


def retention_ms(word: str) -> int | None:
    """How long `traces.retention` keeps a run, in ms; null: forever."""
    number, unit = word[:-1], word[-1:]
    if (
        unit not in _UNIT_MS
        or not (number.isascii() and number.isdecimal())
        or not 0 < int(number) <= 100_000
    ):
        return None
    return int(number) * _UNIT_MS[unit]


def kept_since(word: str, now_s: float) -> int | None:
    """Runs begun before this (ms since 1970) are kept no longer by `traces.retention`; null: all are."""
    kept_ms = retention_ms(word)
    return None if kept_ms is None else max(0, int(now_s * 1000) - kept_ms)


def read_host(value: object) -> str:
    return "built-in" if value == "built-in" else read_path(value)


def read_sinks(value: object) -> tuple[str, ...]:
    given = value.strip().strip("[]").split(",") if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)):
        raise ValueError(f"must be a list of {' and '.join(SINKS)}")
    names = [str(name).strip().strip("\"'") for name in given]
    names = [name for name in names if name]
    for name in names:
        if name not in SINKS:
            raise ValueError(f"must be a list of {' and '.join(SINKS)}, not {name!r}")
    return tuple(dict.fromkeys(names))


def choice(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value.strip() not in words:
            raise ValueError(f"must be {', '.join(words[:-1])} or {words[-1]}")
        return value.strip()

    return read


class Key(NamedTuple):
    """One setting: how its value is read from TOML or text, and whether a project may say it."""

    name: str
    read: Callable[[object], Any]
    type: Any
    default: Any
    about: str
    project: bool = False
    """Whether `.one/traces.toml` may set it: that file may come with a cloned repository."""
    values: tuple[str, ...] = ()
    """What a shell can complete."""


KEYS: tuple[Key, ...] = (
    Key("enabled", read_bool, bool, False, "trace every `flow execute`", True, ("true", "false")),
    Key("namespace", read_slug, str | None, None, "namespace of traces.com, like @my-org", True),
    Key(
        "visibility",
        choice(*VISIBILITIES),
        Visibility,
        "private",
        "who may see an uploaded trace",
        True,
        VISIBILITIES,
    ),
    Key(
        "upload",
        choice("auto", "manual"),
        Literal["auto", "manual"],
        "auto",
        "deliver when a run ends",
        True,
        ("auto", "manual"),
    ),
    Key("flush_timeout", read_seconds, float, 3.0, "seconds a finished run may wait for delivery", True),
    Key(
        "errors",
        choice("code", "full"),
        Literal["code", "full"],
        "code",
        "what leaves of an error",
        values=("code", "full"),
    ),
    Key("sinks", read_sinks, tuple[str, ...], ("traces.com",), "where traces go", values=SINKS),
    Key("endpoint", read_url, str, "https://actions.traces.com", "REST API of traces.com"),
    Key("otlp_endpoint", read_otlp_url, str | None, None, "OTLP/HTTP base URL"),
    Key("live", read_bool, bool, True, "draw a traced run as it goes on", values=("true", "false")),
    Key(
        "retention",
        read_retention,
        str,
        "90d",
        "how long runs are kept, or forever",
        values=("90d", "forever"),
    ),
    Key("host", read_host, str | None, None, "One CLI's program, or built-in", values=("built-in",)),
    Key("data_dir", read_path, str | None, None, "where the store lies"),
)
BY_NAME: Mapping[str, Key] = MappingProxyType({key.name: key for key in KEYS})
