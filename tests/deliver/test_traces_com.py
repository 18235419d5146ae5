from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from machine import Machine
from made import START_MS, USAGE, assembly, loop, span
from traces_server import KEY, FakeTracesServer

from one_trace.deliver.project import project_of
from one_trace.model.trace import Session
from one_trace.outbound.remotes import clean_remote
from one_trace.store import Store


def store(machine: Machine) -> Store:
    return Store(machine.data / "traces.db")


def put(traces_server: FakeTracesServer, run: str = "00000000000a") -> dict:
    return traces_server.traces[f"00000000-0000-0000-0000-{run}"]


def test_the_put_describes_the_run(sending: Machine, traces_server: FakeTracesServer) -> None:
    llm = span("ask", type="bash", usage=USAGE)
    made = assembly(spans=[llm], usage=USAGE, cwd="/home/somebody/shop")
    with store(sending) as open_store:
        open_store.save(made, sinks=["traces.com"], session=Session(agent="codex", session_id="t-42"))
    assert sending.one("trace", "sync").code == 0
    assert put(traces_server) == {
        "agentId": "one-cli",
        "title": "my-flow · success · 20ms · 1 step",
        "projectName": "shop",
        "model": "claude-sonnet-4",
        "visibility": "private",
        "sourceCreatedAt": START_MS,
        "relatedTo": "t-42",
        "relationshipType": "subagent",
        "tokenUsage": {
            "inputTokenCount": 10,
            "outputTokenCount": 5,
            "cacheReadTokenCount": 2,
            "cacheWriteTokenCount": 1,
            "totalInputTokenCount": 13,
        },
    }


def test_requests_hold_at_most_100_messages_and_a_megabyte(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    with store(sending) as open_store:
        open_store.save(loop(300), sinks=["traces.com"])
        long = [span("x" * 30_000, start_ms=float(number)) for number in range(50)]
        open_store.save(assembly("00000000000b", spans=long), sinks=["traces.com"])
    assert sending.one("trace", "sync").code == 0
    posts = [body for method, _, _, body in traces_server.seen if method == "POST"]
    assert max(len(body) for body in posts) <= 1_000_100
    assert [len(json.loads(body)["messages"]) for body in posts[:7]] == [100] * 6 + [5]
    assert len(traces_server.in_order("00000000-0000-0000-0000-00000000000b")) == 103


def test_a_namespace_is_looked_up_once(sending: Machine, traces_server: FakeTracesServer) -> None:
    sending.env["ONE_TRACES_NAMESPACE"] = "@my-org"
    with store(sending) as open_store:
        open_store.save(assembly(), sinks=["traces.com"])
        open_store.save(assembly("00000000000b"), sinks=["traces.com"])
    assert sending.one("trace", "sync").code == 0
    assert [
        put(traces_server)["targetNamespaceId"],
        put(traces_server, "00000000000b")["targetNamespaceId"],
    ] == ["ns1"] * 2
    assert [path for _, path, _, _ in traces_server.seen].count("/v1/namespaces") == 1


def test_namespaces_are_looked_up_again_when_the_clock_was_set_back(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    sending.env["ONE_TRACES_NAMESPACE"] = "@my-org"
    for run_id in ("00000000000a", "00000000000b"):
        with store(sending) as open_store:
            open_store.save(assembly(run_id), sinks=["traces.com"])
        assert sending.one("trace", "sync").code == 0
        with store(sending) as open_store, open_store.connection.writing() as connection:
            connection.execute("UPDATE namespaces SET read_ms = read_ms + 1000000000")
    assert [path for _, path, _, _ in traces_server.seen].count("/v1/namespaces") == 2


def test_an_unknown_namespace_is_reported_with_the_known_ones(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    sending.env["ONE_TRACES_NAMESPACE"] = "@other"
    with store(sending) as open_store:
        open_store.save(assembly(), sinks=["traces.com"])
    done = sending.one("--agent", "trace", "sync")
    assert done.code == 4
    assert "@me and @my-org" in done.document["error"]["message"]
    assert traces_server.traces == {}


def test_a_child_is_related_to_its_parent_in_either_order(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    with store(sending) as open_store:
        open_store.save(assembly("00000000000b"), parent_run_id="00000000000a", sinks=["traces.com"])
    sending.one("trace", "sync")
    assert "relatedTo" not in put(traces_server, "00000000000b")
    with store(sending) as open_store:
        open_store.save(assembly("00000000000a"), sinks=["traces.com"])
        open_store.save(assembly("00000000000c"), parent_run_id="00000000000a", sinks=["traces.com"])
    sending.one("trace", "sync")
    parent = "00000000-0000-0000-0000-00000000000a"
    assert put(traces_server, "00000000000b")["relatedTo"] == parent
    assert put(traces_server, "00000000000b")["title"].startswith("my-flow"), "the rest of it is as it was"
    assert put(traces_server, "00000000000c")["relatedTo"] == parent


def test_share_prints_only_the_url_and_sets_the_visibility(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    with store(sending) as open_store:
        open_store.save(assembly())
    done = sending.one("trace", "share", "--visibility", "direct")
    assert (done.code, done.err) == (0, b"")
    assert done.out.decode().startswith("https://traces.com/s/jn7")
    assert put(traces_server)["visibility"] == "direct"


def test_making_a_run_public_needs_a_confirmation(sending: Machine, traces_server: FakeTracesServer) -> None:
    with store(sending) as open_store:
        open_store.save(assembly())
    asked = sending.one("trace", "share", "last", "--visibility", "public")
    assert (asked.code, traces_server.seen) == (2, [])
    assert b"--yes" in asked.err
    meant = sending.one("--agent", "trace", "share", "last", "--visibility", "public", "--yes")
    assert meant.document["visibility"] == put(traces_server)["visibility"] == "public"


def test_share_reports_why_it_cannot_deliver(sending: Machine, traces_server: FakeTracesServer) -> None:
    assert sending.one("trace", "share", "last").code == 3
    with store(sending) as open_store:
        open_store.save(assembly())
    assert sending.one("trace", "share", env={"TRACES_API_KEY": "trk_wrong"}).code == 4
    assert sending.one("trace", "share", env={"TRACES_API_KEY": ""}).code == 4
    down = {"ONE_TRACES_ENDPOINT": "http://127.0.0.1:1"}
    assert sending.one("--agent", "trace", "share", env=down).document["error"]["code"] == "network"


def test_login_keeps_the_key_private_and_logout_removes_it(
    machine: Machine, traces_server: FakeTracesServer
) -> None:
    machine.env["ONE_TRACES_ENDPOINT"] = traces_server.url
    done = machine.one("trace", "login", input=f"{KEY}\n".encode())
    assert done.code == 0
    assert KEY.encode() not in done.out + done.err
    (kept,) = machine.user_file.parent.iterdir()
    assert [kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777] == [0o600, 0o700]
    with store(machine) as open_store:
        open_store.save(assembly())
    assert machine.one("trace", "sync", "--since", "9999d").code == 0
    assert len(traces_server.traces) == 1
    assert machine.one("--agent", "trace", "logout").document["removed"] is True
    assert not kept.exists()
    assert machine.one("--agent", "trace", "logout").document["removed"] is False


@pytest.mark.parametrize("key", [b"", b"two words", b'quote"d', b"\xc3\xa9"])
def test_login_refuses_an_invalid_key(machine: Machine, key: bytes) -> None:
    assert machine.one("trace", "login", input=key).code == 2
    assert not machine.user_file.parent.exists()


def test_traces_com_on_loopback_is_reached_without_a_proxy(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    with store(sending) as open_store:
        open_store.save(assembly(), sinks=["traces.com"])
    proxy = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:1")
    assert sending.one("trace", "sync", env=proxy).code == 0


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://github.com/acme/demo.git", "https://github.com/acme/demo"),
        ("https://user:ghp_secret@github.com/acme/demo.git/", "https://github.com/acme/demo"),
        ("https://github.com/acme/demo?token=x#y", "https://github.com/acme/demo"),
        ("git@github.com:acme/demo.git", "https://github.com/acme/demo"),
        ("ssh://git@github.com:22/acme/demo.git", "https://github.com/acme/demo"),
        ("https://git.acme.io:8443/demo.git", "https://git.acme.io:8443/demo"),
        ("/home/somebody/secret/demo.git", None),
        ("file:///home/somebody/demo.git", None),
        ("host:/home/somebody/demo.git", None),
        ("../demo", None),
        ("https://[broken", None),
    ],
)
def test_a_remote_is_sent_without_credentials_and_never_as_a_path(url: str, clean: str | None) -> None:
    assert clean_remote(url) == clean


def git(folder: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=x", "-c", "user.email=x@x.invalid"]
    run = ["git", *who, *words]
    return subprocess.run(run, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.program
def test_git_is_read_from_its_own_files(tmp_path: Path) -> None:
    top = tmp_path / "shop"
    (top / "deep").mkdir(parents=True)
    git(top, "init", "-q", "-b", "feature/x")
    git(top, "remote", "add", "origin", "https://me:pw@example.invalid/acme/shop.git")
    git(top, "commit", "-q", "--allow-empty", "-m", "first")
    head = git(top, "rev-parse", "HEAD")
    later = 2**45
    found = project_of(str(top / "deep"), later)
    remote = "https://example.invalid/acme/shop"
    assert (found.name, found.remote, found.branch, found.ref) == ("shop", remote, "feature/x", head)
    git(top, "pack-refs", "--all")
    assert project_of(str(top), later).ref == head
    git(top, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    assert project_of(str(tmp_path / "tree"), later).branch == "other"
    assert project_of(str(tmp_path / "tree"), later).remote == remote
    moved = project_of(str(top), 0)
    assert (moved.remote, moved.branch, moved.ref) == (remote, None, None), "HEAD has moved since the run"
    git(top, "checkout", "-q", "--detach")
    assert (project_of(str(top), later).branch, project_of(str(top), later).ref) == (None, head)


def test_an_unusable_proxy_is_reported_in_one_line(sending: Machine) -> None:
    with store(sending) as open_store:
        open_store.save(assembly(), sinks=["traces.com"])
    odd = {"ONE_TRACES_ENDPOINT": "https://nobody.invalid", "all_proxy": "socks5://127.0.0.1:1"}
    done = sending.one("--agent", "trace", "sync", env=odd)
    assert (done.code, done.document["error"]["code"], done.err) == (5, "network", b"")
