"""The program in forks of a process that has imported its modules, which is most of what a command takes.

Arguments, environment, pipes, exit codes and signals are those of any process. What depends on how an
interpreter starts (flags, encodings, closed streams, limits), or looks at processes, is started as users do;
so is each verb the first time with its options, for a fork has modules that it did not import itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

LIBRARIES = ("httpx", "platformdirs", "pydantic_settings", "rich.console", "rich.tree", "sqlite3", "tomlkit")
ROOMS = frozenset(
    "analyse answers assemble cli deliver export history outbound settings store view".split()  # noqa: SIM905
)
COMMANDS = ("trace", "config")
PROCESSES = frozenset({"doctor", "mcp", "running"})
"""Words of commands that look at processes."""
USUAL = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent), "LANG": "C.UTF-8"}
"""What an interpreter sees of the environment as it starts."""
TIMEOUT_S = 120
SERVER = """
import sys
from tests.forks import serve

serve(int(sys.argv[1]))
from one_trace.main import program

sys.exit(program())
"""


def stand_for(program: Path, text: str, argv: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a fork is the same as starting this program. It is not used under the profile `thorough`."""
    from tests.effort import effort  # which imports much, and this module is also that of the server

    words = [word for word in argv if word != "--agent"]
    if words[:1] not in ([command] for command in COMMANDS) or not PROCESSES.isdisjoint(words):
        return False
    started = {name: value for name, value in env.items() if name.startswith(("PYTHON", "LANG", "LC_", "TZ"))}
    return started == USUAL and effort(True, False) and program.read_text("utf-8") == text


def is_first(argv: Sequence[str]) -> bool:
    """Whether this worker has not run this verb with these options yet."""
    verb = [word for word in argv if not word.startswith("-")][:2]
    options = {word.partition("=")[0] for word in argv if word.startswith("-")}
    form = (*verb, *sorted(options))
    new = form not in _STARTED
    _STARTED.add(form)
    return new


def run(argv: Sequence[str], env: Mapping[str, str], cwd: Path, input: bytes) -> tuple[int, bytes, bytes]:
    """Exit code (negative: the signal), stdout and stderr of the program, `argv[0]`, in a fork."""
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as request:
        request.write(json.dumps({"argv": argv, "env": env, "cwd": str(cwd)}).encode())
        request.seek(0)
        return _run(_server(), request, input)


def serve(connection: int) -> None:
    """Answer requests until the other end closes; returns in each fork, which is the program from then on."""
    _import_modules()
    with socket.socket(fileno=connection) as requests:
        while True:
            _, descriptors, _, _ = socket.recv_fds(requests, 1, 4)
            if not descriptors:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                break
            for descriptor in descriptors:
                os.close(descriptor)
            requests.sendall(pid.to_bytes(4, "big", signed=True))
            requests.sendall(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]).to_bytes(4, "big", signed=True))
    _become(*descriptors)


_ONE_AT_A_TIME = threading.Lock()
_STARTED: set[tuple[str, ...]] = set()


def _import_modules() -> None:
    import gc
    import pkgutil
    from importlib import import_module

    import one_trace
    from one_trace.guard import light

    light.import_pathlib()
    light.import_click()
    light.import_msgspec()
    for library in LIBRARIES:
        import_module(library)
    for module in pkgutil.walk_packages(one_trace.__path__, "one_trace."):
        if module.name.split(".")[1] in ROOMS:
            import_module(module.name)
    gc.collect()
    gc.freeze()  # nothing of it is looked at, and so copied, in a fork


def _become(*descriptors: int) -> None:
    with os.fdopen(descriptors[3], "rb") as file:
        request = json.load(file)
    for fd, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, fd)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv[:] = request["argv"]


class Server:
    """A process that has imported the modules. Its streams are pipes, as those of its forks."""

    def __init__(self) -> None:
        self.requests, theirs = socket.socketpair()
        argv = [sys.executable, "-c", SERVER, str(theirs.fileno())]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        env = {"PATH": os.defpath, **USUAL}
        self._process = subprocess.Popen(argv, env=env, pass_fds=[theirs.fileno()], **pipes)
        theirs.close()

    def receive(self) -> int:
        data = self.requests.recv(4, socket.MSG_WAITALL)
        if len(data) < 4:
            raise ConnectionError(self._process.communicate()[1].decode())
        return int.from_bytes(data, "big", signed=True)


@cache
def _server() -> Server:
    return Server()


def _run(server: Server, request: IO[bytes], input: bytes) -> tuple[int, bytes, bytes]:
    pipes = [os.pipe() for _ in range(3)]
    theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
    socket.send_fds(server.requests, [b"x"], [*theirs, request.fileno()])
    for fd in theirs:
        os.close(fd)
    late = threading.Timer(TIMEOUT_S, os.kill, [server.receive(), signal.SIGKILL])
    late.start()
    try:
        out, err = _communicate(pipes[0][1], pipes[1][0], pipes[2][0], input)
        return server.receive(), out, err
    finally:
        late.cancel()


def _communicate(stdin: int, stdout: int, stderr: int, input: bytes) -> tuple[bytes, bytes]:
    read: dict[int, bytes] = {}

    def drain(fd: int) -> None:
        with os.fdopen(fd, "rb") as file:
            read[fd] = file.read()

    def feed() -> None:
        with suppress(BrokenPipeError), os.fdopen(stdin, "wb") as file:
            file.write(input)

    tasks = [
        threading.Thread(target=feed),
        *(threading.Thread(target=drain, args=[fd]) for fd in (stdout, stderr)),
    ]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    return read[stdout], read[stderr]
