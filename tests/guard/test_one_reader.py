"""Files that others may have written are read by `guard.files` alone: nothing else opens any."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "one_trace"
READS = {"open", "read_bytes", "read_text", "fromfile", "mmap"}
WRITES = {"O_WRONLY", "O_RDWR", "O_CREAT"}
EXCEPTIONS = {
    ("guard/files.py", "open(descriptor, 'rb', buffering=0, closefd=False)"): "the reader itself",
    ("guard/files.py", "os.open(path, _NEVER_WAIT)"): "the reader itself",
    ("guard/private.py", "os.open(path, flags, 384)"): "writes what the user named",
    ("cli/stats.py", "output.open('w', encoding='utf-8', newline='')"): "writes what the user named",
    ("cli/out.py", "Path(os.devnull).open('w', encoding='utf-8')"): "the null device",
    ("cli/open_report.py", "webbrowser.open(uri)"): "opens no file",
    ("cli/doctor.py", "sink.open(Deadline(SERVICE_S), lambda: None)"): "opens no file",
    ("deliver/courier.py", "sink.open(deadline, lambda: None)"): "opens no file",
    (
        "export/html.py",
        "files('one_trace.export').joinpath(name).read_text('utf-8')",
    ): "a file of the package",
    ("store/outbox.py", "Path(f'/proc/{pid}/stat').read_bytes()"): "the kernel's file",
    ("host.py", "open('/proc/self/environ', 'rb')"): "the kernel's file",
    # To be moved to the reader with what else changes there:
    ("host.py", "open(path, 'rb')"): "",
    ("host.py", "open(os.path.join(folder, 'package.json'), encoding='utf-8')"): "",
    ("record/files.py", "path.open('rb')"): "",
    ("record/files.py", "mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)"): "",
    ("deliver/project.py", "path.open('rb')"): "",
    ("runner/truth.py", "path.read_bytes()"): "",
}


def reads(path: Path) -> Iterator[tuple[str, str]]:
    """The calls in a module that open a file to read it."""
    name = path.relative_to(PACKAGE).as_posix()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        text = ast.unparse(node)
        if called in READS and not (text.startswith("os.open(") and any(flag in text for flag in WRITES)):
            yield name, text


def test_no_module_opens_a_file_but_through_the_one_reader() -> None:
    found = {call for path in sorted(PACKAGE.rglob("*.py")) for call in reads(path)}
    assert not found - EXCEPTIONS.keys(), "use one_trace.guard.files"
