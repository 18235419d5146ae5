"""Whatever the server does: the run is unchanged, its end is not delayed, and a later sync delivers it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from machine import Machine
from made import loop
from traces_server import KEY, FakeTracesServer, Handler, fake_traces_server

from one_trace.store import Store

CASE = "22-skips"


RELEASE = threading.Event()
SHORT = {"ONE_TRACES_FLUSH_TIMEOUT": "0.4"}


def refuse(status: int, **headers: str) -> Callable[[Handler], bool]:
    return lambda request: request.refuse(status, f"no: {KEY}", **headers) or True


def retry_at(request: Handler) -> bool:
    details = {"retryAt": (time.time() + 60) * 1000}
    request.answer(429, {"ok": False, "error": {"message": "slowly", "details": details}})
    return True


def reset_in_answer(request: Handler) -> bool:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    request.wfile.flush()
    request.reset()
    return True


def silent(request: Handler) -> bool:
    return RELEASE.wait(30)


def elsewhere(request: Handler) -> bool:
    """A redirect to another origin, which must never be asked."""
    request.answer(307, {}, Location=request.server.elsewhere.url + request.path)
    return True


class Case(NamedTuple):
    name: str
    fault: Callable[[Handler], Any] | None
    state: str = "queued"
    endpoint: str | None = None


CASES = [
    Case("connection refused", None, endpoint="closed port"),
    Case("name not found", None, endpoint="https://nobody.invalid"),
    Case("accepted, then reset", lambda request: request.reset() or True),
    Case("reset in mid-answer", reset_in_answer),
    Case("silence", silent),
    Case("one byte a second", lambda request: request.drip(3) or True),
    Case("500", refuse(500)),
    Case("503", refuse(503)),
    Case("429", refuse(429)),
    Case("429 with Retry-After", refuse(429, Retry_After="60")),
    Case("429 with retryAt", retry_at),
    Case("400", refuse(400)),
    Case("401", refuse(401), "failed"),
    Case("403", refuse(403), "failed"),
    Case("404", refuse(404)),
    Case("413", refuse(413)),
    Case(
        "200 with HTML", lambda request: request.raw(200, b"<html>Please log in</html>", "text/html") or True
    ),
    Case(
        "200 with ok: false",
        lambda request: request.answer(200, {"ok": False, "error": {"message": "no"}}) or True,
    ),
    Case("200 without a body", lambda request: request.raw(200, b"", "application/json") or True),
    Case("a redirect to another origin", elsewhere),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_does_not_touch_the_run_and_a_sync_delivers_it(
    sending: Machine, traces_server: FakeTracesServer, case: Case
) -> None:
    plain = sending.one("--agent", "flow", "execute", "x", "--no-trace")
    traces_server.fault = case.fault
    RELEASE.clear()
    with fake_traces_server() as other:
        traces_server.elsewhere = other
        env = {} if case.state == "failed" else SHORT
        env |= {} if case.endpoint is None else {"ONE_TRACES_ENDPOINT": endpoint(case.endpoint)}
        done = sending.one("--agent", "flow", "execute", "x", "--trace", env=env)
        assert not RELEASE.is_set(), "it waited for the server"
        RELEASE.set()
        assert other.seen == []
    assert (done.code, len(done.out)) == (plain.code, len(plain.out))
    assert [upload["state"] for upload in done.saved["uploads"]] == [case.state]
    assert KEY.encode() not in done.err

    traces_server.fault = None
    again = ["--retry-failed"] if case.state == "failed" else []
    synced = sending.one("--agent", "trace", "sync", *again)
    assert (synced.code, synced.document["sent"], synced.document["queued"]) == (0, 1, 0), synced.document
    whole(traces_server, done.saved["traceId"], spans=done.saved["spans"])


def endpoint(name: str) -> str:
    if name != "closed port":
        return name
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def whole(traces_server: FakeTracesServer, trace_id: str, *, spans: int) -> None:
    """The server holds every message of the run, each once."""
    (trace,) = [trace for trace in traces_server.messages if trace.replace("-", "") == trace_id]
    messages = traces_server.in_order(trace)
    assert [message["order"] for message in messages] == list(range(1, len(messages) + 1))
    kinds = [message["parts"][0]["type"] for message in messages]
    assert (kinds.count("tool_call"), kinds.count("tool_result")) == (spans, spans)
    assert (kinds[0], kinds[-1], messages[-1]["role"]) == ("text", "text", "assistant")


def test_a_sync_delivers_a_run_of_which_one_batch_failed(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    with Store(sending.data / "traces.db") as store:
        store.save(loop(240, run_id="00000000000a"), sinks=["traces.com"])
    posts = []

    def third(request: Handler) -> bool:
        if request.command != "POST" or "0000-00000000000a" not in request.path:
            return False
        posts.append(json.loads(request.body)["messages"][0]["order"])
        return posts[-1] == 201 and (request.refuse(400, "not this one") or True)

    traces_server.fault = third
    assert sending.one("--agent", "flow", "execute", "x", "--trace").saved["uploads"][0]["state"] == "sent"
    assert posts[:3] == [1, 101, 201]
    traces_server.fault = None
    synced = sending.one("--agent", "trace", "sync")
    assert (synced.code, synced.document["sent"]) == (0, 1)
    whole(traces_server, f"{10:032x}", spans=241)


def test_a_run_delivers_queued_runs(sending: Machine, traces_server: FakeTracesServer) -> None:
    traces_server.fault = refuse(503)
    left = sending.one("--agent", "flow", "execute", "x", "--trace", env=SHORT).saved
    traces_server.fault = None
    sent = sending.one("--agent", "flow", "execute", "x", "--trace").saved
    assert [len(traces_server.traces), sent["uploads"][0]["state"]] == [2, "sent"]
    whole(traces_server, left["traceId"], spans=left["spans"])
    url = sent["uploads"][0]["url"]
    assert url.startswith("https://traces.com/s/jn7")


def test_without_a_key_nothing_is_queued_or_reported(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    del sending.env["TRACES_API_KEY"]
    done = sending.one("--agent", "flow", "execute", "x", "--trace")
    assert done.saved["uploads"] == []
    assert traces_server.seen == []
    nothing = sending.one("--agent", "trace", "sync")
    assert (nothing.code, nothing.document["sent"]) == (0, 0)
    refused = sending.one("--agent", "trace", "sync", "--since", "9999d")
    assert (refused.code, refused.document["error"]["code"]) == (4, "not-authorised")
    later = sending.one("--agent", "trace", "sync", "--since", "9999d", env={"TRACES_API_KEY": KEY})
    assert (later.code, later.document["sent"]) == (0, 1)
    whole(traces_server, done.saved["traceId"], spans=done.saved["spans"])


def test_refused_runs_are_retried_only_on_request(sending: Machine, traces_server: FakeTracesServer) -> None:
    traces_server.fault = refuse(403)
    sending.one("--agent", "flow", "execute", "x", "--trace")
    traces_server.fault = None
    parked = sending.one("--agent", "trace", "sync")
    assert (parked.code, parked.document["failed"]) == (4, 1)
    assert "--retry-failed" in parked.document["error"]["hint"]
    assert "traces:write" in parked.document["runs"][0]["error"]
    assert sending.one("--agent", "trace", "sync", "--retry-failed").code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_delivery_and_not_the_run(
    sending: Machine, traces_server: FakeTracesServer, number: signal.Signals
) -> None:
    RELEASE.clear()
    traces_server.fault = silent
    process = interrupted(sending, traces_server, number)
    assert not RELEASE.is_set(), "it waited for the server"
    RELEASE.set()
    _, err = process.communicate()
    assert process.returncode == 0, "the run had ended well"
    note = json.loads(err)
    assert [upload["state"] for upload in note["uploads"]] == ["queued"]
    delivers_all(sending, traces_server, note)


def test_a_killed_delivery_is_taken_over_by_others(sending: Machine, traces_server: FakeTracesServer) -> None:
    RELEASE.clear()
    traces_server.fault = silent
    process = interrupted(sending, traces_server, signal.SIGKILL)
    RELEASE.set()
    assert process.returncode == -signal.SIGKILL
    assert process.communicate()[0], "the run's own output was complete"
    (run,) = sending.runs()
    delivers_all(sending, traces_server, {"traceId": run["traceId"], "spans": run["counts"]["spans"]})


def interrupted(machine: Machine, traces_server: FakeTracesServer, number: int) -> subprocess.Popen[bytes]:
    """A traced run that got a signal during its first request, after it ended."""
    process = machine.start("--agent", "flow", "execute", "x", "--trace")
    while not traces_server.seen and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    process.wait(timeout=120)
    return process


def delivers_all(machine: Machine, traces_server: FakeTracesServer, note: dict[str, Any]) -> None:
    traces_server.fault = None
    synced = machine.one("--agent", "trace", "sync")
    assert (synced.code, synced.document["sent"]) == (0, 1)
    whole(traces_server, note["traceId"], spans=note["spans"])
