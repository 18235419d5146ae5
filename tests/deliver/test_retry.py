from __future__ import annotations

from email.utils import formatdate

import pytest
from traces_server import FakeTracesServer, Handler

from one_trace.deliver import retry
from one_trace.deliver.answer import Answer
from one_trace.deliver.batches import batches, send_all
from one_trace.deliver.http_client import HttpClient, Server
from one_trace.deliver.retry import Deadline, DeliveryError, TooLarge, Unreachable, with_retries
from one_trace.guard.urls import parse

NOW = 1_775_469_720


class Clock:
    """Time that passes only in waits."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        if seconds >= self.left:
            return False
        self.waits.append(seconds)
        self.left -= seconds
        return True


def answers(*statuses: int, body: bytes = b"{}", **headers: str) -> object:
    given = iter(statuses)

    def attempt(seconds: float) -> Answer:
        status = next(given)
        if status == 0:
            raise Unreachable("reset")
        return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)

    return attempt


def test_five_tries_with_waits_under_a_doubling_ceiling() -> None:
    clock = Clock(1000)
    with pytest.raises(DeliveryError) as error:
        with_retries(answers(500, 503, 0, 429, 502, 200), clock)
    assert error.value.message == "it answered 502"
    assert len(clock.waits) == 4
    assert all(wait <= 0.5 * 2**number for number, wait in enumerate(clock.waits))


def test_a_lasting_failure_is_retried_once_and_soon() -> None:
    tried: list[float] = []

    def attempt(seconds: float) -> Answer:
        tried.append(seconds)
        raise Unreachable("nothing answers there", lasting=True)

    clock = Clock(1000)
    with pytest.raises(DeliveryError, match="nothing answers"):
        with_retries(attempt, clock)
    assert len(tried) == 2
    assert sum(clock.waits) <= 0.3


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 413])
def test_a_final_answer_is_returned(status: int) -> None:
    assert with_retries(answers(status), Clock(1)).status == status


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    clock = Clock(5)
    with pytest.raises(DeliveryError) as error:
        with_retries(answers(429, 200, retry_after="7"), clock)
    assert (error.value.wait_s, clock.waits) == (7, [])


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        (b"{}", {"retry_after": "3"}, 3),
        (b"{}", {"retry_after": formatdate(NOW + 9000, usegmt=True)}, 9000),
        (b'{"error":{"details":{"retryAt":%d}}}' % ((NOW + 9000) * 1000), {}, 9000),
        (b'{"error":{"details":{"retryAt":"soon"}}}', {"retry_after": "in a while"}, 0),
        (b"\xff<html>", {}, 0),
        (b"{}", {"retry_after": formatdate(NOW - 9000, usegmt=True)}, 0),
        (b"{}", {"retry_after": "9" * 400}, retry.MAX_WAIT_S),
        (b'{"error":{"details":{"retryAt":1e300}}}', {}, retry.MAX_WAIT_S),
    ],
    ids=["seconds", "date", "retryAt", "unreadable", "foreign", "past", "without end", "retryAt without end"],
)
def test_the_wait_that_the_server_requests_is_understood(
    body: bytes, headers: dict[str, str], wait: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_now", lambda: float(NOW))
    assert retry.requested_wait_s(answers(429, body=body, **headers)(1)) == wait


def test_a_deadline_can_be_stopped() -> None:
    deadline = Deadline(100)
    deadline.stop()
    assert (deadline.left, deadline.wait(0.1)) == (0, False)


def test_batches_are_limited_by_number_and_size() -> None:
    made = list(batches([b"x" * 40] * 5 + [b"y" * 500, b"z"], most=3, most_bytes=100, size=len))
    assert [len(batch) for batch in made] == [2, 2, 1, 1, 1]
    assert [len(batch) for batch in batches([b"x"] * 7, most=3, most_bytes=100, size=len)] == [3, 3, 1]


def test_a_batch_that_is_too_large_is_halved_in_order() -> None:
    sent: list[bytes] = []

    def send(batch: list[bytes]) -> None:
        if len(batch) > 2:
            raise TooLarge("rejected", "413")
        sent.extend(batch)

    items = [bytes([number]) for number in range(11)]
    send_all(items, send, most=100, most_bytes=1000, size=len)
    assert sent == items


def test_a_single_item_that_is_too_large_is_reported() -> None:
    def send(batch: list[bytes]) -> None:
        raise TooLarge("rejected", "it answered 413")

    with pytest.raises(DeliveryError, match="3 bytes are too large"):
        send_all([b"xxx"], send, most=10, most_bytes=10, size=len)


def server_of(traces_server: FakeTracesServer, *secrets: str) -> Server:
    return Server(url=parse(traces_server.url), headers={}, secrets=secrets)


def test_an_endless_answer_is_no_answer(traces_server: FakeTracesServer) -> None:
    traces_server.fault = lambda request: request.raw(200, b"x" * 5000, "text/plain") or True
    server = Server(url=parse(traces_server.url), headers={}, tries=1, longest_answer=1000)
    client = HttpClient(server, Deadline(5))
    with pytest.raises(DeliveryError, match="does not end"):
        client.call("GET", "/health")


def test_a_slow_answer_is_cut_off(traces_server: FakeTracesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "REQUEST_S", 0.2)
    monkeypatch.setattr(retry, "TRIES", 1)
    dripped: list[Handler] = []
    traces_server.fault = lambda request: dripped.append(request) or request.drip(60) or True
    with pytest.raises(DeliveryError):
        HttpClient(server_of(traces_server), Deadline(50)).call("GET", "/health")
    assert len(dripped) == 1


def test_a_secret_repeated_by_the_server_is_not_shown(traces_server: FakeTracesServer) -> None:
    traces_server.fault = lambda request: request.refuse(400, "bad key trk_secret\x1b[31m\nin it") or True
    with pytest.raises(DeliveryError) as error:
        HttpClient(server_of(traces_server, "trk_secret"), Deadline(5)).call("GET", "/x")
    assert "trk_secret" not in error.value.message
    assert "[key]" in error.value.message
    assert error.value.message.isprintable()
