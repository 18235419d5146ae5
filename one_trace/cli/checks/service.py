"""The key of traces.com, and whether the service accepts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from one_trace.answers.reports import Check
from one_trace.cli.checks.files import store_path
from one_trace.errors import CliError
from one_trace.guard.files import is_plain
from one_trace.guard.text import shell_word
from one_trace.guard.urls import parse
from one_trace.settings import credentials, paths, problems, sources
from one_trace.settings.keys import BY_NAME

if TYPE_CHECKING:
    from one_trace.deliver.namespaces import Namespace

TIMEOUT_S = 5.0
_NOT_VALID, _FORBIDDEN = 401, 403
_LOGIN = "one trace login"
_NAME = "traces.com"
_MOST_SHOWN = 10
"""Namespaces that are named."""


def key() -> Iterator[Check]:
    """Where the key is, and who else can read it."""
    values, key = sources.load(), credentials.api_key()
    folder = paths.config_dir(os.environ)
    kept = Path(folder, paths.CREDENTIALS_FILE) if folder else None
    exists = kept is not None and kept.exists()
    if kept is not None and exists and not is_plain(kept):
        yield Check("key", "bad", f"{kept} is not a plain file", f"rm -r {shell_word(str(kept))}; {_LOGIN}")
    elif key is None and _NAME in values.sinks:
        yield Check("key", "note", f"no key of {_NAME}: nothing is sent to {_NAME}", _LOGIN)
    elif key is None:
        yield Check("key", "ok", f"no key of {_NAME}: none is needed, traces.sinks does not name it")
    elif kept is not None and exists and kept.stat().st_mode & 0o077:
        yield Check("key", "bad", f"others can read {kept}", f"chmod 600 {shell_word(str(kept))}")
    elif os.environ.get(credentials.API_KEY):
        leak = f"the key comes from {credentials.API_KEY}, which One CLI writes to its state files"
        yield Check("key", "note", leak, f"{_LOGIN} && unset {credentials.API_KEY}")
    else:
        yield Check("key", "ok", f"kept by `{_LOGIN}` in {kept}")


def service(offline: bool) -> Iterator[Check]:
    """Whether the service accepts the key, and for whom."""
    values, key = sources.load(), credentials.api_key()
    if key is None:
        return  # a finding of the check of the key
    if values.doubt("endpoint", "sinks") is not None:
        yield Check(_NAME, "note", "not checked: the settings have to be fixed first")
    elif _NAME not in values.sinks:
        yield Check(_NAME, "note", "not checked: traces.sinks does not name it, so nothing is sent to it")
    elif store_path() is None:
        yield Check(_NAME, "note", "not checked: without a home folder nothing is sent")
    elif offline:
        yield Check(_NAME, "note", "not checked: --offline")
    else:
        yield ask(values, key, TIMEOUT_S)


def ask(values: sources.Settings, key: str, timeout_s: float) -> Check:
    """Whether the service accepts this key, and for which namespaces."""
    from one_trace.deliver.http_client import HttpClient
    from one_trace.deliver.namespaces import Namespaces
    from one_trace.deliver.retry import Deadline, DeliveryError
    from one_trace.deliver.sinks import make

    try:
        with closing(HttpClient(make(_NAME, values).server(), Deadline(timeout_s))) as client:
            found = Namespaces(values.store_path, values.endpoint, key).ask(client)
    except CliError as error:
        return Check(_NAME, "bad", error.message, _another_key())
    except DeliveryError as error:
        if error.status == _FORBIDDEN:
            return _write_only(values)
        if error.status == _NOT_VALID:
            return Check(_NAME, "bad", f"the key is not valid: {error.message}", _another_key())
        return Check(_NAME, "bad", error.message, error.hint or _fix_of_endpoint(values))
    return _of_namespaces(values, found)


def answers(values: sources.Settings, timeout_s: float) -> Check:
    """Whether anything answers at the endpoint. It is asked without the key."""
    from one_trace.deliver.http_client import HttpClient, Server
    from one_trace.deliver.retry import Deadline, DeliveryError

    server = Server(url=parse(values.endpoint), headers={})
    try:
        with closing(HttpClient(server, Deadline(timeout_s))) as client:
            client.call("GET", "/health")
    except DeliveryError as error:
        if error.kind == "network":
            return Check(_NAME, "note", error.message, error.hint or _fix_of_endpoint(values))
    return Check(_NAME, "ok", f"{server.url.shown} answers")


def _of_namespaces(values: sources.Settings, found: list[Namespace]) -> Check:
    from one_trace.deliver.phrases import listed

    slugs = sorted(f"@{each.slug}" for each in found)
    if values.namespace and values.namespace not in slugs:
        wrong = (
            f"there is no namespace {values.namespace}: the key's are {listed(slugs, _MOST_SHOWN) or 'none'}"
        )
        fix = problems.assign(
            "namespace", slugs[0] if len(slugs) == 1 else "@slug", values.sources["namespace"]
        )
        return Check(_NAME, "bad", wrong, fix)
    owners = listed(sorted(map(_owner, found)), _MOST_SHOWN) or "no namespace"
    where = parse(values.endpoint).shown
    return Check(
        _NAME,
        "ok",
        f"the key is valid, for {owners} ({where}); not checked: whether it may write (scope traces:write)",
    )


def _owner(namespace: Namespace) -> str:
    """``@me (individual)``, ``@my-org (org, owner)``."""
    words = [each for each in (namespace.type, namespace.role) if isinstance(each, str)]
    known = [word for word in words if word.isascii() and word.isalpha() and len(word) <= 20]
    return f"@{namespace.slug} ({', '.join(known)})" if known else f"@{namespace.slug}"


def _write_only(values: sources.Settings) -> Check:
    """For a key that may not read: enough to send, unless it has to find a namespace by its name."""
    about = f"{parse(values.endpoint).shown} answers; the key may not list namespaces (scope namespace:read)"
    if not values.namespace:
        enough = "traces:write is all that sending needs; not checked: whether it has that, and for whom"
        return Check(_NAME, "note", f"{about}; {enough}")
    fix = problems.unset("namespace", values.sources["namespace"])
    return Check(_NAME, "bad", f"{about}, and traces.namespace is {values.namespace}", fix)


def _another_key() -> str:
    if os.environ.get(credentials.API_KEY):  # which goes before the one that is kept
        return f"unset {credentials.API_KEY} && {_LOGIN}"
    return _LOGIN


def _fix_of_endpoint(values: sources.Settings) -> str:
    if values.endpoint == BY_NAME["endpoint"].default:
        return "Check the network of this machine; then: one trace doctor"
    return problems.unset("endpoint", values.sources["endpoint"])
