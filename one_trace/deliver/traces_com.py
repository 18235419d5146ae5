"""The sink traces.com: one PUT for the trace, then its messages in batches; both are upserts by ids of
ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from one_trace import __version__
from one_trace.deliver.answer import decode
from one_trace.deliver.batches import send_all
from one_trace.deliver.http_client import HttpClient
from one_trace.deliver.messages import TokenUsage, messages, token_usage
from one_trace.deliver.namespaces import Namespaces
from one_trace.deliver.retry import Answer, Deadline, DeliveryError
from one_trace.deliver.summary import title
from one_trace.guard.urls import parse
from one_trace.model.times import to_ms
from one_trace.outbound.payload import Payload

AGENT = "one-cli"
MOST_MESSAGES = 100
MOST_BYTES = 1_000_000
"""The service's own limits are not documented; its client sends up to 8 MiB."""
_WEB = "https://traces.com"
_TITLE_CHARACTERS = 100


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


class _Error(Struct):
    message: str = ""


class _Said(Struct):
    ok: bool | None = None
    data: _Data | None = None
    error: _Error | None = None


class TracesCom:
    """Writes with one key to one server, into the namespace that each payload names."""

    name = "traces.com"

    def __init__(self, endpoint: str, key: str, namespaces: Namespaces) -> None:
        self.endpoint = endpoint
        self._key = key
        self._namespaces = namespaces

    def open(self, deadline: Deadline, before: Callable[[], None]) -> HttpClient:
        headers = {"Authorization": f"Bearer {self._key}", "User-Agent": f"one-trace/{__version__}"}
        return HttpClient(
            parse(self.endpoint), headers, deadline=deadline, before=before, secrets=[self._key], hints=_HINTS
        )

    def send(self, payload: Payload, client: HttpClient) -> str:
        external_id = external_id_of(payload.sanitized.run.trace_id)
        put = self._put(payload)
        if payload.namespace:
            put.target_namespace_id = self._namespaces.find(payload.namespace, client)
        said = _checked(client, client.call("PUT", f"/v1/traces/{external_id}", _json(put), **_JSON))
        encoded = map(msgspec.json.encode, messages(payload))

        def post(batch: Sequence[bytes]) -> None:
            body = b'{"messages":[' + b",".join(batch) + b"]}"
            path = f"/v1/traces/{external_id}/messages/batch"
            _checked(client, client.call("POST", path, body, **_JSON))

        send_all(encoded, post, most=MOST_MESSAGES, most_bytes=MOST_BYTES)
        self._relate_children(payload, external_id, client)
        internal_id = said.data.trace.id if said.data and said.data.trace else None
        return url_of(external_id, internal_id if internal_id and client.is_word(internal_id) else None)

    def _put(self, payload: Payload) -> _Put:
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
        related = external_id_of(payload.parent_trace_id) if payload.parent_trace_id else None
        related = related or (run.session.session_id if run.session else None)
        if related:
            put.related_to, put.relationship_type = related, "subagent"
        return put

    def _relate_children(self, payload: Payload, external_id: str, client: HttpClient) -> None:
        """A run that ended before the one that started it could not name it yet: nothing was known of that
        one.
        """
        for child, visibility in payload.children:
            put = _Put(visibility=visibility, related_to=external_id, relationship_type="subagent")
            _checked(client, client.call("PUT", f"/v1/traces/{external_id_of(child)}", _json(put), **_JSON))


_HINTS = {
    401: "The key is not valid: 'one trace login' keeps another; then 'one trace sync --retry-failed'.",
    403: "The key may not write there: it needs the scope traces:write, and a namespace of its own "
    "(traces.namespace); then 'one trace sync --retry-failed'.",
}
_JSON = {"Content_Type": "application/json"}


def external_id_of(trace_id: str) -> str:
    return str(UUID(hex=trace_id))


def url_of(external_id: str, internal_id: str | None) -> str:
    """Where a trace is looked at; the service resolves its own ids and ours."""
    return f"{_WEB}/s/{internal_id or external_id}"


def _cut(text: str) -> str:
    return text if len(text) <= _TITLE_CHARACTERS else text[: _TITLE_CHARACTERS - 1] + "…"


def _json(body: _Put) -> bytes:
    return msgspec.json.encode(body)


def _checked(client: HttpClient, answer: Answer) -> _Said:
    """What a 2xx answer says, if it is the service that speaks: a portal's page or a refusal is no
    delivery.
    """
    said = decode(answer.body, _Said)
    if said is None or (said.ok is None and said.data is None):
        raise DeliveryError("rejected", f"{client.base} gave an answer that is not the service's")
    if said.ok is False:
        reason = said.error.message if said.error else "no reason given"
        raise DeliveryError("rejected", f"{client.base} refused it: {client.told(reason)}")
    return said
