"""The messages of the Model Context Protocol (MCP): JSON-RPC 2.0, one message a line.

Versions until 2025-11-25 begin with `initialize`, which negotiates the version. From 2026-07-28 on there is
no such handshake: each request names its version in `_meta`. Both are served, whatever came before.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from one_trace import __version__

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Negotiated by `initialize`; the last one is offered to a client that asks for another."""
STATELESS_VERSIONS = ("2026-07-28",)
BATCH_VERSIONS = ("2025-03-26",)
"""The only version in which several messages may come in one array."""
SUPPORTED = (*reversed(STATELESS_VERSIONS), *reversed(HANDSHAKE_VERSIONS))

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
UNSUPPORTED_VERSION = -32022

_META = "io.modelcontextprotocol/"
_SHORT = 100
Id = str | int | None
Message = dict[str, Any]


class RpcError(Exception):
    """An error of the protocol, not of a tool."""

    def __init__(self, code: int, message: str, data: Message | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class Request(NamedTuple):
    """A request; `version` if it names one itself. A notification has no id."""

    method: str
    params: Message
    id: Id = None
    version: str | None = None


def parse(line: bytes) -> object:
    """The message of a line. Raises RpcError."""
    try:
        return json.loads(line, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, "the line is not JSON") from error


def read_request(message: object) -> Request | None:
    """A message as a request or notification; None for a response, which nobody asked for. Raises
    RpcError."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'a message is an object with "jsonrpc": "2.0"')
    if "method" not in message and ("result" in message or "error" in message):
        return None
    if "id" in message and id_of(message) is None:
        raise RpcError(INVALID_REQUEST, "the id of a request is a string or an integer")
    method, params = message.get("method"), message.get("params", {})
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "a request names its method")
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params is an object")
    return Request(method, params, id_of(message), _version_of(params))


def id_of(message: object) -> Id:
    """The id of a request; None for anything that cannot be one."""
    found = message.get("id") if isinstance(message, dict) else None
    return found if isinstance(found, (str, int)) and not isinstance(found, bool) else None


def _version_of(params: Message) -> str | None:
    """The version that a request without handshake names. Raises RpcError."""
    meta = params.get("_meta")
    version = meta.get(f"{_META}protocolVersion") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or version is None or version in HANDSHAKE_VERSIONS:
        return None
    if version not in STATELESS_VERSIONS:
        data = {"supported": list(SUPPORTED), "requested": str(version)[:_SHORT]}
        raise RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)
    if not isinstance(meta.get(f"{_META}clientCapabilities"), dict):
        raise RpcError(INVALID_PARAMS, f"_meta lacks {_META}clientCapabilities")
    return str(version)


def negotiated(params: Message) -> str:
    """The version that `initialize` agrees on. Raises RpcError."""
    asked = params.get("protocolVersion")
    if not isinstance(asked, str):
        raise RpcError(INVALID_PARAMS, "initialize lacks protocolVersion")
    return asked if asked in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]


def server_info() -> Message:
    return {"name": "one-trace", "version": __version__}


def response(request: Request, result: Message, *, keeps: bool = False) -> Message:
    """The answer to a request. `keeps`: it stays the same as long as this process lives."""
    if request.version is not None:
        result = {**result, "resultType": "complete", "_meta": {f"{_META}serverInfo": server_info()}}
        if keeps:
            result |= {"ttlMs": 3_600_000, "cacheScope": "public"}
    return {"jsonrpc": "2.0", "id": request.id, "result": result}


def error_response(request_id: Id, error: RpcError) -> Message:
    body: Message = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": request_id, "error": body}


def unknown_method(request: Request) -> RpcError:
    return RpcError(METHOD_NOT_FOUND, f"Method not found: {request.method[:_SHORT]}")


def encode(message: object) -> bytes:
    """A message as its line: ASCII, so that no text in it can break the line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _not_json(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
