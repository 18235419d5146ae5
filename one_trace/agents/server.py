"""The MCP server: one thread reads and answers at once, another one runs the tools, one after the other.

So a client that waits for a slow answer still gets its pings answered, and can cancel what it waits for.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from one_trace.agents import protocol
from one_trace.agents.protocol import Id, Message, Request, RpcError
from one_trace.agents.tools import TOOLS, command_line, listed
from one_trace.errors import CliError

INSTRUCTIONS = (
    "What traced One CLI flows did on this machine: which step failed and why, what was slow, flaky or "
    "expensive, what an edit changed. Start with `run` (the last run) or `runs`. Every answer is one JSON "
    "document of at most 8,000 characters; `omitted` says what was left out. Nothing is run, sent or deleted."
)
RunTool = Callable[[list[str]], tuple[str, bool]]
"""Takes the words of a command, gives its document and whether that reports an error."""
Reply = Callable[[Message | None], None]
"""Takes the answer to one message; None if it gets none."""


class _Call:
    """A `tools/call` that is waiting or under way. `line`: the words of its command."""

    def __init__(self, request: Request, line: list[str], reply: Reply) -> None:
        self.request, self.line, self.reply = request, line, reply
        self.cancelled = False


class _Batch:
    """Collects the answers to the messages of one array, which go out as one array."""

    def __init__(self, count: int, send: Callable[[object], None]) -> None:
        self._left, self._send = count, send
        self._answers: list[Message] = []
        self._lock = threading.Lock()

    def reply(self, answer: Message | None) -> None:
        with self._lock:
            self._left -= 1
            if answer is not None:
                self._answers.append(answer)
            done = not self._left
        if done and self._answers:
            self._send(self._answers)


class Server:
    """Answers the lines of a client: `receive` takes them in one thread, `work` runs the tools in another.

    `write` gets whole lines, from both threads, one at a time. `run_tool` may raise nothing.
    """

    def __init__(self, run_tool: RunTool, write: Callable[[bytes], None]) -> None:
        self._run_tool, self._write = run_tool, write
        self._version: str | None = None
        self._closed = False
        self._waiting: deque[_Call] = deque()
        self._open: dict[Id, _Call] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()

    def receive(self, lines: Iterable[bytes]) -> None:
        """Take all lines of a client; then `work` ends when the calls that wait have been answered."""
        try:
            for line in lines:
                if line.strip():
                    self._receive(line)
        finally:
            self.close()

    def work(self) -> None:
        """Run the tools that are called until the client has gone."""
        while (call := self._next()) is not None:
            if not call.cancelled:
                text, failed = self._run_tool(call.line)
                answer = protocol.response(call.request, _result(text, failed=failed))
            with self._changed:
                if self._open.get(call.request.id) is call:
                    del self._open[call.request.id]
            call.reply(None if call.cancelled else answer)

    def close(self, *, drop: bool = False) -> None:
        """No more calls will come. `drop`: nor does anybody read the answers to those that wait."""
        with self._changed:
            self._closed = True
            if drop:
                self._waiting.clear()
            self._changed.notify_all()

    def _next(self) -> _Call | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _receive(self, line: bytes) -> None:
        try:
            message = protocol.parse(line)
            messages = self._batch(message) if isinstance(message, list) else None
        except RpcError as error:
            self._send(protocol.error_response(None, error))
            return
        if messages is None:
            self._receive_one(message, self._reply)
            return
        batch = _Batch(len(messages), self._send)
        for each in messages:
            self._receive_one(each, batch.reply)

    def _batch(self, messages: list[Any]) -> list[Any]:
        if self._version not in protocol.BATCH_VERSIONS:
            raise RpcError(
                protocol.INVALID_REQUEST, "this protocol version has one message a line, no arrays"
            )
        if not messages:
            raise RpcError(protocol.INVALID_REQUEST, "the array is empty")
        return messages

    def _receive_one(self, message: object, reply: Reply) -> None:
        try:
            request = protocol.read_request(message)
            if request is None or request.id is None:
                answer = None
                self._notified(request)
            elif request.method == "tools/call":
                self._called(request, reply)
                return
            else:
                answer = self._answered(request)
        except RpcError as error:
            notification = isinstance(message, dict) and "id" not in message and "method" in message
            answer = None if notification else protocol.error_response(protocol.id_of(message), error)
        reply(answer)

    def _notified(self, request: Request | None) -> None:
        if request is None or request.method != "notifications/cancelled":
            return
        cancelled = protocol.id_of({"id": request.params.get("requestId")})
        with self._changed:
            if cancelled is not None and (call := self._open.get(cancelled)) is not None:
                call.cancelled = True

    def _answered(self, request: Request) -> Message:
        stateless = request.version is not None
        match request.method:
            case "tools/list":
                return protocol.response(request, {"tools": listed()}, keeps=True)
            case "initialize" if not stateless:
                self._version = protocol.negotiated(request.params)
                found = {"protocolVersion": self._version, "serverInfo": protocol.server_info()}
                return protocol.response(request, found | _OFFERED)
            case "ping" if not stateless:
                return protocol.response(request, {})
            case "server/discover" if stateless:
                found = {"supportedVersions": list(protocol.SUPPORTED)}
                return protocol.response(request, found | _OFFERED, keeps=True)
        raise protocol.unknown_method(request)

    def _called(self, request: Request, reply: Reply) -> None:
        tool = TOOLS.get(str(request.params.get("name")))
        given = request.params.get("arguments", {})
        if tool is None:
            raise RpcError(protocol.INVALID_PARAMS, f"Unknown tool: {str(request.params.get('name'))[:100]}")
        if not isinstance(given, dict):
            raise RpcError(protocol.INVALID_PARAMS, "arguments is an object")
        try:
            call = _Call(request, command_line(tool, given), reply)
        except CliError as error:
            reply(protocol.response(request, _result(error_text(error), failed=True)))
            return
        with self._changed:
            self._open[request.id] = call
            self._waiting.append(call)
            self._changed.notify_all()

    def _reply(self, answer: Message | None) -> None:
        if answer is not None:
            self._send(answer)

    def _send(self, message: object) -> None:
        with self._writing:
            self._write(protocol.encode(message))


_OFFERED: Message = {"capabilities": {"tools": {}}, "instructions": INSTRUCTIONS}


def _result(text: str, *, failed: bool) -> Message:
    return {"content": [{"type": "text", "text": text}], "isError": failed}


def error_text(error: CliError) -> str:
    """An error of a tool, as our commands print it for agents."""
    body = {"code": error.code, "message": error.message, "hint": error.hint}
    return json.dumps({"error": body}, separators=(",", ":"))
