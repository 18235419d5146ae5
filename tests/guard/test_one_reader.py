"""Only `guard.files` opens files that others may have written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.sources import PACKAGE, nodes_of

READS = {"open", "read_bytes", "read_text", "fromfile", "mmap"}
WRITES = {"O_WRONLY", "O_RDWR", "O_CREAT"}
EXCEPTIONS = {
    ("guard/files.py", "open(descriptor, 'rb', buffering=0, closefd=False)"): "the reader itself",
    ("guard/files.py", "os.open(path, _NEVER_WAIT)"): "the reader itself",
    ("guard/private.py", "os.open(path, flags)"): "writes what the user named",
    ("guard/streams.py", "open(0, encoding='utf-8', closefd=False)"): "a stream of ours",
    ("guard/streams.py", "open(1, 'w', encoding='utf-8', closefd=False)"): "a stream of ours",
    ("guard/streams.py", "open(2, 'w', encoding='utf-8', closefd=False)"): "a stream of ours",
    ("cli/open_report.py", "webbrowser.open(uri)"): "opens no file",
    ("cli/topics/__init__.py", "(_FOLDER / f'{name}.md').read_text('utf-8')"): "a file of the package",
    ("agents/skill.py", "Path(__file__).with_name(FILE).read_bytes()"): "a file of the package",
    (
        "export/page.py",
        "files('one_trace.export').joinpath(name).read_text('utf-8')",
    ): "a file of the package",
    ("store/opening.py", "os.open(folder, os.O_RDONLY | os.O_CLOEXEC)"): "a folder of ours, to be locked",
    ("store/outbox.py", "Path(f'/proc/{pid}/stat').read_bytes()"): "the kernel's file",
    ("host/find.py", "open('/proc/self/environ', 'rb')"): "the kernel's file",
    (
        "host/via.py",
        "os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)",
    ): "the kernel's files, and programs on PATH before every verb",
    ("host/follower.py", "os.open(us, os.O_RDONLY)"): "the kernel's file",
    ("host/follower.py", "os.open(f'/proc/{host}/status', os.O_RDONLY)"): "the kernel's file",
}


def reads(path: Path) -> Iterator[tuple[str, str]]:
    """The calls in a module that open a file to read it."""
    name = path.relative_to(PACKAGE).as_posix()
    for node in nodes_of(path):
        if not isinstance(node, ast.Call):
            continue
        if getattr(node.func, "attr", getattr(node.func, "id", "")) in READS:
            text = ast.unparse(node)
            if not (text.startswith("os.open(") and any(flag in text for flag in WRITES)):
                yield name, text


def test_only_the_reader_opens_files() -> None:
    found = {call for path in sorted(PACKAGE.rglob("*.py")) for call in reads(path)}
    assert not found - EXCEPTIONS.keys(), "use one_trace.guard.files"
    assert not EXCEPTIONS.keys() - found, "no exception is needed for what is not there"
