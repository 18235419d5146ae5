"""The `traces.*` keys: the one place that knows what each key is and how its value is parsed.

Each parser takes text or a TOML value, and raises ValueError with a reason that follows the key's name
("must be true or false").
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from one_trace.settings.paths import expand

Visibility = Literal["private", "direct", "public"]
BUILT_IN = "built-in"
FOREVER = "forever"
LOCAL = "local"
"""The word for the store of this machine, where a history is named."""
SINKS = ("traces.com", "otlp")
MOST_PATTERNS = 50
LONGEST_PATTERN = 500
"""Characters of a pattern of `traces.redact`."""
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def parse_bool(value: object) -> bool:
    text = str(value).strip().lower() if isinstance(value, str) or value in (0, 1) else ""
    if text not in _TRUE + _FALSE:
        raise ValueError("must be true or false")
    return text in _TRUE


def parse_seconds(value: object) -> float:
    try:
        seconds = float(value) if isinstance(value, (str, int, float)) and value is not True else -1.0
    except (ValueError, OverflowError):  # OverflowError: a TOML integer can be too large for a float
        seconds = -1.0
    if value is False or not 0 <= seconds <= 3600:
        raise ValueError("must be a number of seconds from 0 to 3600")
    return seconds


def parse_namespace(value: object) -> str:
    text = value if isinstance(value, str) else ""
    slug = text.removeprefix("@")
    if slug == text or len(slug) > 100 or not slug.replace("-", "").replace("_", "").isalnum():
        raise ValueError("must be a namespace like @my-org")
    return text


def parse_endpoint(value: object) -> str:
    """An https URL, or an http URL on loopback: traces and the key of traces.com are sent to it."""
    return _url(value, allow_http=False)


def parse_otlp_endpoint(value: object) -> str:
    """An https or http URL. Whether a credential may be sent to it is decided where there is one."""
    return _url(value, allow_http=True)


def _url(value: object, *, allow_http: bool) -> str:
    from one_trace.guard.urls import parse

    expected = "an http or https URL" if allow_http else "an https URL, or an http one on loopback"
    if not isinstance(value, str):
        raise ValueError(f"must be {expected}")
    url = parse(value)
    if not (url.tls or (url.scheme == "http" and (allow_http or url.loopback))):
        raise ValueError(f"must be {expected}")
    if url.userinfo is not None or url.fragment is not None or not (allow_http or url.query is None):
        raise ValueError(f"must be {expected}, without user name, query and fragment")
    return url._replace(path=url.path.rstrip("/")).text


def parse_history(value: object) -> str:
    """The word local, or the URL of a team's history in its one spelling."""
    text = value if isinstance(value, str) else ""
    if text.strip() == LOCAL:
        return LOCAL
    from one_trace.settings import history_url

    return history_url.parse_history(text).text


def parse_path(value: object) -> str:
    path = expand(value.strip(), os.environ) if isinstance(value, str) else ""
    if path.startswith("~"):
        raise ValueError("begins with ~, but there is no such home folder")
    if not os.path.isabs(path) or "\0" in path:
        raise ValueError("must be an absolute path, or one that begins with ~")
    return path


def parse_host(value: object) -> str:
    if value == BUILT_IN:
        return BUILT_IN
    try:
        return parse_path(value)
    except ValueError as error:
        raise ValueError(f"{error}, or {BUILT_IN}") from None


def parse_retention(value: object) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    if text != FOREVER and not retention_ms(text):
        raise ValueError("must be an age like 90d, 12w or 36h, or forever")
    return text


def retention_ms(text: str) -> int | None:
    """How long `traces.retention` keeps a run, in ms. None: forever, or not an age."""
    from one_trace.model.times import age_ms

    return age_ms(text, units="hdw")


def kept_since(text: str, now_s: float) -> int | None:
    """The start time (ms since 1970) before which `traces.retention` deletes runs; None: it deletes none."""
    kept_ms = retention_ms(text)
    return None if kept_ms is None else max(0, int(now_s * 1000) - kept_ms)


def parse_sinks(value: object) -> tuple[str, ...]:
    items = value.strip().strip("[]").split(",") if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise ValueError(f"must be a list of {' and '.join(SINKS)}")
    names = [name for item in items if (name := str(item).strip().strip("\"'"))]
    for name in names:
        if name not in SINKS:
            raise ValueError(f"must be a list of {' and '.join(SINKS)}, not {name!r}")
    return tuple(dict.fromkeys(names))


def parse_redact(value: object) -> tuple[str, ...]:
    """Regular expressions: a list of them, also as JSON, or a single one."""
    import re
    import warnings

    patterns = _listed(value) if isinstance(value, str) else value
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(each, str) for each in patterns):
        raise ValueError("must be a list of regular expressions")
    if len(patterns) > MOST_PATTERNS or any(len(each) > LONGEST_PATTERN for each in patterns):
        raise ValueError(f"must be at most {MOST_PATTERNS} patterns of at most {LONGEST_PATTERN} characters")
    for each in patterns:
        try:
            with warnings.catch_warnings(action="ignore"):  # of what a pattern may mean in later Pythons
                matches_nothing = re.compile(each).search("") is not None
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"has a pattern that is not a regular expression: {each!r}: {error}") from None
        if matches_nothing:
            raise ValueError(f"has a pattern that matches the empty text: {each!r}")
    return tuple(patterns)


def _listed(text: str) -> object:
    """The list that a text in JSON means, else a list of the text itself; an empty one is no pattern."""
    if not text.strip().startswith("["):
        return [text] if text.strip() else []
    import json

    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return found if all(isinstance(each, str) for each in found) else [text]


def one_of(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if not isinstance(value, str) or value.strip() not in choices:
            raise ValueError(f"must be {', '.join(choices[:-1])} or {choices[-1]}")
        return value.strip()

    return parse


def format_value(value: object) -> str:
    """A value as `config get` prints it and `config set` accepts it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        if all(str(each).replace(".", "").isalnum() for each in value):
            return ",".join(map(str, value))
        import json

        return json.dumps(value, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) else str(value)


class Key(NamedTuple):
    """One setting. Its type is that of the attribute of `sources.Settings` with the same name."""

    name: str
    parse: Callable[[object], Any]
    default: Any
    about: str
    project: bool = False
    """Whether `.one/traces.toml` may set it: that file may come with a cloned repository."""
    values: tuple[str, ...] = ()
    """Values offered by shell completion."""
    user_only: bool = False
    """Whether only the user's file may set it: not the environment, which a step or a project may set."""


def _choice(name: str, values: tuple[str, ...], about: str, *, project: bool = False) -> Key:
    """A key that takes one of `values`, by default the first."""
    return Key(name, one_of(*values), values[0], about, project, values)


KEYS: tuple[Key, ...] = (
    Key("enabled", parse_bool, False, "trace every `flow execute`", True, ("true", "false")),
    Key("namespace", parse_namespace, None, "namespace of traces.com, like @my-org", True),
    _choice("visibility", ("private", "direct", "public"), "who may see an uploaded trace", project=True),
    _choice("upload", ("auto", "manual"), "deliver when a run ends", project=True),
    Key("flush_timeout", parse_seconds, 3.0, "seconds a finished run may wait for delivery", True),
    _choice("errors", ("code", "full"), "how much of an error is uploaded"),
    Key("sinks", parse_sinks, ("traces.com",), "where traces are sent", values=SINKS),
    Key("endpoint", parse_endpoint, "https://actions.traces.com", "REST API of traces.com"),
    Key("otlp_endpoint", parse_otlp_endpoint, None, "OTLP/HTTP base URL"),
    Key("otlp_insecure", parse_bool, False, "send credentials over plain http", values=("true", "false")),
    _choice("parent", ("link", "child"), "what the caller's TRACEPARENT is in what is sent by OTLP"),
    Key("redact", parse_redact, (), "patterns replaced in what is sent", user_only=True),
    Key("on_finish", parse_path, None, "program started after a run that did not succeed", user_only=True),
    Key("live", parse_bool, True, "draw a traced run while it runs", values=("true", "false")),
    Key("retention", parse_retention, "90d", "how long runs are kept, or forever", values=("90d", FOREVER)),
    Key("history", parse_history, None, "where a team's runs are read from", values=(LOCAL,)),
    Key("host", parse_host, None, "One CLI's program, or built-in", values=(BUILT_IN,)),
    Key("data_dir", parse_path, None, "the folder of the store"),
)
BY_NAME: Mapping[str, Key] = MappingProxyType({key.name: key for key in KEYS})
PROJECT_KEYS = frozenset(key.name for key in KEYS if key.project)
