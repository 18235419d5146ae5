"""Slugs of namespaces to their ids, as the service gives them; kept, so that not every run has to ask."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from one_trace.deliver.http_client import HttpClient
from one_trace.deliver.phrases import listed
from one_trace.deliver.retry import DeliveryError
from one_trace.store import Store

_KEPT_MS = 24 * 3600 * 1000
_FRESH_MS = 60_000


class Namespace(Struct):
    """A namespace as the service gives it. `type`: org or individual; `role`: the key's own in it."""

    id: str
    slug: str
    type: object = None
    role: object = None


class _Data(Struct):
    namespaces: list[Namespace] = []


class _Response(Struct):
    data: _Data


class Namespaces:
    """The namespaces of one key at one server. The key is not kept: a hash of it tells keys apart."""

    def __init__(self, path: Path, endpoint: str, key: str) -> None:
        self._path = path
        self._row = (endpoint, hashlib.blake2b(key.encode(), digest_size=8, person=b"one-trace").hexdigest())

    def find(self, slug: str, client: HttpClient) -> str:
        """The id of `slug` (``@my-org``). Raises DeliveryError, which lists the slugs that exist."""
        known, age_ms = self._kept()
        wanted = slug.removeprefix("@")
        stale = not 0 <= age_ms <= (_KEPT_MS if wanted in known else _FRESH_MS)  # or the clock was set back
        if not known or stale:
            known = self.fetch(client)
            self._keep(known)
        if wanted not in known:
            slugs = listed(sorted(f"@{name}" for name in known), 20) or "none"
            raise DeliveryError(
                "refused",
                f"there is no namespace {slug}: the key's are {slugs}",
                hint="Set one of them: one config set traces.namespace @slug; "
                "then 'one trace sync --retry-failed'.",
            )
        return known[wanted]

    def fetch(self, client: HttpClient) -> dict[str, str]:
        """Slug (without ``@``) → id, from the service."""
        return {each.slug: each.id for each in self.ask(client)}

    def ask(self, client: HttpClient) -> list[Namespace]:
        """The namespaces, from the service, without those that are not valid identifiers; slugs have no
        ``@``. Raises DeliveryError.
        """
        response = client.call("GET", "/v1/namespaces").json(_Response)
        if response is None:
            raise DeliveryError("rejected", f"{client.base} did not answer with a list of namespaces")
        found = response.data.namespaces
        for each in found:
            each.slug = each.slug.removeprefix("@")
        return [each for each in found if client.is_identifier(each.slug) and client.is_identifier(each.id)]

    def _kept(self) -> tuple[dict[str, str], float]:
        with Store(self._path) as store:
            sql = "SELECT slugs, read_ms FROM namespaces WHERE origin = ? AND key_hash = ?"
            row = store.connection.execute(sql, self._row).fetchone()
        if row is None:
            return {}, 0.0
        try:
            return msgspec.json.decode(row[0], type=dict[str, str]), time.time() * 1000 - row[1]
        except (msgspec.MsgspecError, TypeError):  # damaged: ask the service again
            return {}, 0.0

    def _keep(self, known: dict[str, str]) -> None:
        values = (*self._row, msgspec.json.encode(known).decode(), int(time.time() * 1000))
        with Store(self._path) as store, store.connection.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO namespaces VALUES (?, ?, ?, ?)", values)
