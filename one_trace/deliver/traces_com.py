"""The sink traces.com: one PUT for the trace, then its messages in batches; both are upserts by our ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from one_trace import __version__
from one_trace.deliver.batches import send_all
from one_trace.deliver.http_client import HttpClient, Server
from one_trace.deliver.messages import TokenUsage, messages, token_usage
from one_trace.deliver.namespaces import Namespaces
from one_trace.deliver.retry import DeliveryError
from one_trace.deliver.summary import title
from one_trace.errors import NotAuthorised
from one_trace.guard.urls import parse
from one_trace.model.times import to_ms
from one_trace.outbound.payload import Payload
from one_trace.settings.credentials import api_key

if TYPE_CHECKING:
    from one_trace.settings.sources import Settings

AGENT = "one-cli"
MOST_MESSAGES = 100
MOST_BYTES = 1_000_000
"""The service's own limits are not documented; its client sends up to 8 MiB."""
_WEB = "https://traces.com"
_TITLE_CHARACTERS = 100
_HINTS = {
    401: "The key is not valid: 'one trace login' keeps another; then 'one trace sync --retry-failed'.",
    403: "The key may not write there: it needs the scope traces:write, and a namespace of its own "
    "(traces.namespace); then 'one trace sync --retry-failed'.",
}
_JSON = {"Content-Type": "application/json"}


class _Put(Struct, rename="camel", kw_only=True):
    agent_id: str = AGENT
    title: str | UnsetType = UNSET
    project_name: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    visibility: str
    git_remote_url: str | UnsetType = UNSET
    git_branch: str | UnsetType = UNSET
    git_ref: str | UnsetType = UNSET
    related_to: str | UnsetType = UNSET
    relationship_type: str | UnsetType = UNSET
    source_created_at: int | UnsetType = UNSET
    token_usage: TokenUsage | UnsetType = UNSET
    target_namespace_id: str | UnsetType = UNSET


class _TraceId(Struct):
    id: str | None = None


class _Data(Struct):
    trace: _TraceId | None = None


class _Response(Struct):
    ok: bool | None = None
    data: _Data | None = None


def make(settings: Settings) -> TracesCom:
    key = api_key()
    if key is None:
        raise NotAuthorised("no key of traces.com is set", hint="one trace login")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise NotAuthorised("the key of traces.com has invalid characters", hint="one trace login")
    return TracesCom(settings.endpoint, key, Namespaces(settings.store_path, settings.endpoint, key))


class TracesCom:
    """Writes with one key to one server, into the namespace that each payload names."""

    def __init__(self, endpoint: str, key: str, namespaces: Namespaces) -> None:
        self._url = parse(endpoint)
        self._key = key
        self.namespaces = namespaces

    def server(self) -> Server:
        headers: dict[str, str | bytes] = {
            "Authorization": f"Bearer {self._key}",
            "User-Agent": f"one-trace/{__version__}",
        }
        return Server(url=self._url, headers=headers, secrets=[self._key], hints=_HINTS)

    def send(self, payload: Payload, client: HttpClient) -> str:
        external_id = external_id_of(payload.sanitized.run.trace_id)
        put = _put(payload)
        if payload.namespace:
            put.target_namespace_id = self.namespaces.find(payload.namespace, client)
        response = _write(client, "PUT", f"/v1/traces/{external_id}", msgspec.json.encode(put))

        def post(batch: Sequence[bytes]) -> None:
            body = b'{"messages":[' + b",".join(batch) + b"]}"
            _write(client, "POST", f"/v1/traces/{external_id}/messages/batch", body)

        encoded = map(msgspec.json.encode, messages(payload))
        send_all(encoded, post, most=MOST_MESSAGES, most_bytes=MOST_BYTES, size=len)
        _relate_children(payload, external_id, client)
        internal_id = response.data.trace.id if response.data and response.data.trace else None
        # The service resolves its own ids and ours.
        shown_id = internal_id if internal_id and client.is_identifier(internal_id) else external_id
        return f"{_WEB}/s/{shown_id}"


def _put(payload: Payload) -> _Put:
    run, project = payload.sanitized.run, payload.project
    put = _Put(
        title=_cut(title(payload.sanitized)),
        visibility=payload.visibility,
        project_name=project.name or UNSET,
        git_remote_url=project.remote or UNSET,
        git_branch=project.branch or UNSET,
        git_ref=project.ref or UNSET,
        token_usage=token_usage(run.usage),
    )
    if run.usage and run.usage.models:
        put.model = run.usage.models[0]
    created = to_ms(run.started_at)
    if created is not None:
        put.source_created_at = created
    parent = external_id_of(payload.parent_trace_id) if payload.parent_trace_id else None
    related = parent or (run.session.session_id if run.session else None)
    if related:
        put.related_to, put.relationship_type = related, "subagent"
    return put


def _relate_children(payload: Payload, external_id: str, client: HttpClient) -> None:
    """Runs that ended before the one that started them could not name it: it was not known yet."""
    for child, visibility in payload.children:
        put = _Put(visibility=visibility, related_to=external_id, relationship_type="subagent")
        _write(client, "PUT", f"/v1/traces/{external_id_of(child)}", msgspec.json.encode(put))


def external_id_of(trace_id: str) -> str:
    return str(UUID(hex=trace_id))


def _cut(text: str) -> str:
    return text if len(text) <= _TITLE_CHARACTERS else text[: _TITLE_CHARACTERS - 1] + "…"


def _write(client: HttpClient, method: str, path: str, body: bytes) -> _Response:
    """The service's answer to a write. A 2xx of another server, such as a login page, is no delivery."""
    answer = client.call(method, path, body, _JSON)
    response = answer.json(_Response)
    if response is None or (response.ok is None and response.data is None):
        raise DeliveryError("rejected", f"{client.base} gave an answer that is not the service's")
    if response.ok is False:
        reason = answer.problem.message if answer.problem else "no reason given"
        raise DeliveryError("rejected", f"{client.base} refused it: {client.quote(reason)}")
    return response
