"""The key of traces.com, and whether the service accepts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from one_trace.answers.reports import Check
from one_trace.cli.checks.files import store_path
from one_trace.errors import CliError
from one_trace.guard.files import is_plain
from one_trace.guard.text import shell_word
from one_trace.guard.urls import parse
from one_trace.settings import credentials, paths, sources

_FORBIDDEN = 403
_TIMEOUT_S = 5.0
_LOGIN = "one trace login"
_NAME = "traces.com"


def key(offline: bool) -> Iterator[Check]:
    values, key = sources.load(), credentials.api_key()
    folder = paths.config_dir(os.environ)
    kept = Path(folder, paths.CREDENTIALS_FILE) if folder else None
    exists = kept is not None and kept.exists()
    if kept is not None and exists and not is_plain(kept):
        yield Check("key", "bad", f"{kept} is not a plain file", f"rm -r {kept}; {_LOGIN}")
        return
    if key is None:
        if _NAME in values.sinks:
            yield Check("key", "note", f"no key of {_NAME}: nothing is sent to {_NAME}", _LOGIN)
        else:
            yield Check("key", "ok", f"no key of {_NAME}: none is needed, traces.sinks does not name it")
        return
    if kept is not None and exists and kept.stat().st_mode & 0o077:
        yield Check("key", "bad", f"others can read {kept}", f"chmod 600 {shell_word(str(kept))}")
    elif os.environ.get(credentials.API_KEY):
        leak = f"the key comes from {credentials.API_KEY}, which One CLI writes to its state files"
        yield Check("key", "note", leak, f"{_LOGIN}, and unset {credentials.API_KEY}")
    else:
        yield Check("key", "ok", f"kept by `{_LOGIN}` in {kept}")
    if not offline and store_path() and values.doubt("endpoint") is None:
        yield _service(values, key)


def _service(values: sources.Settings, key: str) -> Check:
    """Whether the service answers this key, and with which namespaces."""
    from one_trace.deliver.http_client import HttpClient
    from one_trace.deliver.namespaces import Namespaces
    from one_trace.deliver.retry import Deadline, DeliveryError
    from one_trace.deliver.sinks import make

    try:
        with closing(HttpClient(make(_NAME, values).server(), Deadline(_TIMEOUT_S))) as client:
            namespaces = Namespaces(values.store_path, values.endpoint, key).fetch(client)
    except CliError as error:
        return Check(_NAME, "bad", error.message, error.hint)
    except DeliveryError as error:
        if error.status == _FORBIDDEN:
            return _write_only(values)
        usual = _LOGIN if error.kind == "refused" else "Check the network and traces.endpoint."
        return Check(_NAME, "bad", error.message, error.hint or usual)
    slugs = sorted(f"@{slug}" for slug in namespaces)
    known = ", ".join(slugs) or "none"
    if values.namespace and values.namespace not in slugs:
        wrong = f"there is no namespace {values.namespace}: the key's are {known}"
        return Check(_NAME, "bad", wrong, "one config set traces.namespace @slug")
    scope = "scope: namespace:read, and traces:write when a run is sent"
    return Check(_NAME, "ok", f"{parse(values.endpoint).shown} answers; namespaces: {known}; {scope}")


def _write_only(values: sources.Settings) -> Check:
    """For a key that may not read: enough to send, unless it has to find a namespace by its name."""
    about = f"{parse(values.endpoint).shown} answers; the key may not list namespaces (scope namespace:read)"
    if not values.namespace:
        return Check(_NAME, "ok", f"{about}: traces:write is all that sending needs")
    fix = "one config unset traces.namespace, or a key with the scope namespace:read"
    return Check(_NAME, "bad", f"{about}, and traces.namespace is {values.namespace}", fix)
