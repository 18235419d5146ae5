"""A repository is sent as its remote, as git prints it, and the commit that the run really had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import Machine
from traces_server import KEY, FakeTracesServer

from one_trace.deliver import git
from one_trace.deliver.project import project_of
from one_trace.outbound.remotes import clean_remote

GIT = shutil.which("git")
pytestmark = [pytest.mark.program, pytest.mark.skipif(GIT is None, reason="needs git")]
LATER = 2**45
TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git._origin_url.cache_clear()


def run_git(folder: Path, *words: str, **env: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@x.invalid"]
    run = [str(GIT), *who, *words]
    done = subprocess.run(
        run, cwd=folder, env={**os.environ, **env}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository with a remote and one commit, made a while ago."""
    top = tmp_path / "shop"
    top.mkdir()
    run_git(top, "init", "-q", "-b", "main")
    run_git(top, "remote", "add", "origin", "https://me:pw@example.invalid/acme/shop.git")
    run_git(top, "commit", "-q", "--allow-empty", "-m", "first")
    return top


def now_ms() -> int:
    """A moment later than everything done so far, and earlier than everything done from now on."""
    time.sleep(1.1)  # git's own times are whole seconds
    moment = int(time.time() * 1000)
    time.sleep(0.03)
    return moment


CONFIGS = {
    "a comment behind": "url = https://example.invalid/a/b # ghp_secret",
    "a comment of the other kind": "url = https://example.invalid/a/b ; ghp_secret",
    "quotes": 'url = "https://example.invalid/a/b"  # "ghp_secret',
    "quotes in the middle": 'url = https://exa"mple.inv"alid/a/b',
    "a continuation": "url = https://example.invalid/\\\na/b",
    "another case": "URL = https://example.invalid/a/b",
    "two": "url = https://example.invalid/a/b\nurl = https://other.invalid/c/d",
    "emptied and set": "url = https://other.invalid/c/d\nurl =\nurl = https://example.invalid/a/b",
    "one for pushing": "pushurl = https://other.invalid/c/d\nurl = https://example.invalid/a/b",
    "a comment alone": "# url = https://other.invalid/c/d\nurl = https://example.invalid/a/b",
    "another one of its name": 'url = https://example.invalid/a/b\n[remote "ORIGIN"]\nurl = https://other.invalid/c/d',
    "on the line of its section": "",
    "rewritten": 'url = gh:a/b\n[url "https://example.invalid/"]\ninsteadOf = gh:',
    "rewritten with a token": f'url = gh:a/b\n[url "https://{TOKEN}@example.invalid/"]\ninsteadOf = gh:',
    "rewritten for pushing": 'url = https://example.invalid/a/b\n[url "ssh://p.invalid/"]\npushInsteadOf = https://',
    "none": "fetch = +refs/heads/*:refs/remotes/origin/*",
    "an invalid setting": "url = https://example.invalid/a/b\nthis is not a setting",
    "an invalid escape": "url = https://example.invalid/\\x/b",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_remote_is_the_one_that_git_prints(shop: Path, name: str) -> None:
    line = CONFIGS[name]
    section = (
        '[remote "origin"] url = https://example.invalid/a/b' if not line else f'[remote "origin"]\n{line}'
    )
    (shop / ".git/config").write_text(f"[core]\nrepositoryformatversion = 0\n{section}\n")
    try:
        wanted = clean_remote(run_git(shop, "remote", "get-url", "origin"))
    except subprocess.CalledProcessError:
        wanted = None
    found = project_of(str(shop), LATER).remote
    assert found == wanted
    assert found in (None, "https://example.invalid/a/b", "https://other.invalid/c/d")


def test_included_settings_and_those_of_the_user_apply(shop: Path, tmp_path: Path) -> None:
    (shop / "more").write_text('[remote "origin"]\nurl = work:acme/shop\n')
    run_git(shop, "remote", "remove", "origin")
    run_git(shop, "config", "include.path", "../more")
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody/.gitconfig").write_text('[url "git@git.acme.invalid:"]\ninsteadOf = "work:"\n')
    assert project_of(str(shop), LATER).remote == "https://git.acme.invalid/acme/shop"


def test_no_program_of_the_repository_is_run(shop: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "credential.helper"):
        run_git(shop, "config", name, str(trap))
    run_git(shop, "config", "core.hooksPath", str(tmp_path))
    run_git(shop, "config", "alias.remote", f"!{trap}")
    (shop / "git").write_text(trap.read_text())
    (shop / "git").chmod(0o755)
    assert project_of(str(shop), LATER).remote == "https://example.invalid/acme/shop"
    assert not (tmp_path / "ran").exists()


def test_variables_of_another_repository_are_ignored(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "written"))
    assert project_of(str(shop), LATER).remote == "https://example.invalid/acme/shop"
    assert not (tmp_path / "written").exists()


def test_without_git_there_is_no_remote(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f".{os.pathsep}{shop}")
    assert project_of(str(shop), LATER).remote is None


def fifo(place: Path) -> None:
    place.unlink(missing_ok=True)
    os.mkfifo(place)


def sparse(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(300 << 30)


def included_fifo(place: Path) -> None:
    os.mkfifo(place.parent / "pipe")
    place.write_text('[include]\npath = pipe\n[remote "origin"]\nurl = https://example.invalid/a/b\n')


@pytest.mark.parametrize("spoil", [fifo, sparse, included_fifo])
def test_unreadable_settings_give_no_remote_and_no_delay(shop: Path, spoil: Callable[[Path], None]) -> None:
    spoil(shop / ".git/config")
    assert project_of(str(shop), LATER).remote is None


@pytest.mark.parametrize("name", ["HEAD", "packed-refs", "refs/heads/main", "logs/HEAD", "commondir"])
def test_a_pipe_in_place_of_a_file_of_git_is_no_delay(shop: Path, name: str) -> None:
    fifo(shop / ".git" / name)
    found = project_of(str(shop), LATER)
    assert (found.name, found.ref is None) == ("shop", name != "packed-refs")


def test_a_pipe_in_place_of_the_folder_is_no_repository(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".git")
    assert project_of(str(tmp_path), LATER).remote is None


def commit(top: Path) -> None:
    run_git(top, "commit", "-q", "--allow-empty", "-m", "later")


def commit_of_yesterday(top: Path) -> None:
    run_git(top, "commit", "-q", "--allow-empty", "-m", "x", GIT_COMMITTER_DATE="2001-01-01T00:00:00Z")
    for path in (top / ".git").rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))


def commit_without_log(top: Path) -> None:
    shutil.rmtree(top / ".git/logs")
    run_git(top, "-c", "core.logAllRefUpdates=false", "commit", "-q", "--allow-empty", "-m", "later")


def moved_from_elsewhere(top: Path) -> None:
    other = top.parent / "other"
    run_git(top, "worktree", "add", "-q", "--detach", str(other))
    commit(other)
    run_git(other, "update-ref", "refs/heads/main", "HEAD")


def away_and_back(top: Path) -> None:
    run_git(top, "checkout", "-q", "-b", "aside")
    run_git(top, "checkout", "-q", "main")


def amended(top: Path) -> None:
    run_git(top, "commit", "-q", "--amend", "--allow-empty", "-m", "another")


def packed(top: Path) -> None:
    commit(top)
    run_git(top, "pack-refs", "--all")


MOVES = (commit, commit_of_yesterday, commit_without_log, moved_from_elsewhere, amended, packed)


@pytest.mark.parametrize("move", MOVES)
def test_a_later_commit_is_not_taken_for_that_of_the_run(shop: Path, move: Callable[[Path], None]) -> None:
    first = run_git(shop, "rev-parse", "HEAD")
    started = now_ms()
    assert project_of(str(shop), started).ref == first
    move(shop)
    assert project_of(str(shop), started).ref is None


def test_a_branch_that_was_left_meanwhile_is_not_sent(shop: Path) -> None:
    started = now_ms()
    assert project_of(str(shop), started).branch == "main"
    away_and_back(shop)
    assert project_of(str(shop), started).branch is None


@pytest.mark.parametrize(
    "text",
    [
        "ref: refs/heads/../../../etc/passwd",
        "ref: refs/heads/.invalid",
        "ref: refs/heads/\x1b]0;pwned\x07",
        "ref: refs/heads/a\u202eb",
        "ref: refs/tags/v1",
        "ref: refs/heads/a b",
        "0" * 39,
        "",
    ],
)
def test_an_invalid_head_gives_no_branch_and_no_commit(shop: Path, text: str) -> None:
    (shop / ".git/HEAD").write_text(text)
    found = project_of(str(shop), LATER)
    assert (found.branch, found.ref) == (None, None)


REMOTES = [
    ("oauth2:TOK@gitlab.com:o/r", "https://gitlab.com/o/r"),
    ("TOK@gitlab.com:o/r.git", "https://gitlab.com/o/r"),
    ("a:b@c@gitlab.com:o/r", "https://gitlab.com/o/r"),
    ("https://gitlab.com/o/r;token=hush", "https://gitlab.com/o/r"),
    ("https://gitlab.com/o/r.git;token=hush", "https://gitlab.com/o/r"),
    ("https://gitlab.com/o;token=hush/r", None),
    ("https://gitlab.com/o/r?private_token=hush&x#y", "https://gitlab.com/o/r"),
    ("git@github.com:o/r?token=hush/hush", "https://github.com/o/r"),
    ("ssh://git:hush@gitlab.com:2222/o/r", "https://gitlab.com/o/r"),
    ("git+ssh://hush@gitlab.com/o/r", "https://gitlab.com/o/r"),
    ("https://us:hu/sh@gitlab.com/o/r", None),
    ("https://hu#sh@gitlab.com/o/r", None),
    ("https://hu?sh@gitlab.com/o/r", None),
    ("https://us:12/hush@gitlab.com/o/r", None),
    ("user:hu/sh@gitlab.com:o/r", None),
    ("https://mirror.com/https://hush@github.com/o/r", None),
    (f"https://mirror.com/{TOKEN}/o/r", None),
    ("https://gitlab.com/o/r%3Ftoken%3Dhush", None),
    ("https://gitlab.com/o/r%40hush", None),
    ("https://gitlab.com/o/r&token=hush", None),
    ("https://gitlab.com/o/de\x1b]0;pwned\x07mo", "https://gitlab.com/o/demo"),
    ("https://gitlab.com/o/de\u202emo\u200b", "https://gitlab.com/o/demo"),
    ("https://gitlab.com/o/r\nhush", None),
    ("https://gitlab.com/o/r hush", None),
    ("file:///home/me/r", None),
    ("file://host/home/me/r", None),
    ("C:\\Users\\me\\r", None),
    ("C:/Users/me/r", None),
    ("ext::sh -c hush", None),
    ("ext::hush", None),
    ("http::https://hush@gitlab.com/o/r", None),
    ("helper::url", None),
    ("work:o/r", None),
    ("https://localhost:3000/o/r", None),
    ("https://2130706433/o/r", None),
    ("https://gitlab.com", None),
    ("https://gitlab.com/../r", None),
    ("https://dev.azure.com/org/My%20Project/_git/r", "https://dev.azure.com/org/My%20Project/_git/r"),
    ("git@git.sr.ht:~me/r", "https://git.sr.ht/~me/r"),
]


@pytest.mark.parametrize(("url", "kept"), REMOTES)
def test_a_remote_is_reduced_to_host_and_path_or_dropped(url: str, kept: str | None) -> None:
    assert clean_remote(url) == kept


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("oauth2:hush@gitlab.com:o/r", "https://gitlab.com/o/r"),
        ("https://gitlab.com/o/r;token=hush", "https://gitlab.com/o/r"),
        ("https://gitlab.com/o/r # hush", "https://gitlab.com/o/r"),
        ('"https://hush\\b@gitlab.com/o/r"', "https://gitlab.com/o/r"),
        ('"ext::hush https://gitlab.com/o/r"', None),
    ],
)
def test_a_delivered_run_names_the_remote_without_its_secrets(
    machine: Machine, traces_server: FakeTracesServer, url: str, sent: str | None
) -> None:
    assert GIT is not None
    run_git(machine.project, "init", "-q")
    with (machine.project / ".git/config").open("a") as config:
        config.write(f'[remote "origin"]\nurl = {url}\n')
    machine.env |= {
        "TRACES_API_KEY": KEY,
        "ONE_TRACES_ENDPOINT": traces_server.url,
        "ONE_TRACES_FLUSH_TIMEOUT": "30",
        "PATH": f"{machine.env['PATH']}{os.pathsep}{Path(GIT).parent}",
    }
    machine.player("02-linear-unicode")
    done = machine.one("--agent", "flow", "execute", "x", "--trace")
    assert done.saved["uploads"][0]["state"] == "sent"
    put = json.loads(traces_server.seen[0][3])
    assert put.get("gitRemoteUrl") == sent
    assert b"hush" not in traces_server.everything()
