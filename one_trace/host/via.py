"""How this process was reached. Keeps copies of us, shims and wrappers from going round in circles.

What we start in the host's place gets `ONE_TRACE_VIA` in its environment: `WORD CALL CHAIN TRIED`. WORD is
random, of a traced run the beginning of its token. CALL stands for the command's words. CHAIN names the
processes that were started in the host's place one within another, the newest last, TRIED the programs that
have led back to us so far. On the way of every verb: imports next to nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VIA = "ONE_TRACE_VIA"
TOKEN = "ONE_TRACE_TOKEN"
"""A random word in the environment of a traced run of the host, which stores it: that finds the run."""
DEEPEST = 32
"""Calls within calls: more than that is a wrapper around us that we take for the host."""
PROBE = "probe"
"""As WORD: nothing is to be done, but to say that we have been reached, with the rest of the variable."""
_FURTHEST = 256
"""Ancestors looked at."""
_WORD = 12
"""Characters of WORD."""
_KEPT = "one-trace-via"
"""The name of a descriptor that holds the variable, for wrappers that give us an environment of their own."""
_NEAR = 2
"""Ancestors whose environment is looked at for it."""
_MOST = 1 << 17
"""Bytes of an environment that are looked at."""


class Via:
    """What `ONE_TRACE_VIA` says about this very process."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.word, self._call, chain, tried = (env.get(VIA, "").split(" ", 3) + [""] * 4)[:4]
        self._chain = chain.split(",") if chain else []
        self.ours = bool(self._chain) and self._chain[-1] == identity()
        """Whether we have been started in the host's place. All others have inherited the variable."""
        self.passed_over = tried.split(os.pathsep) if tried else []
        """What has been tried, whoever was started by it."""

    @property
    def tried(self) -> list[str]:
        """Programs that lead back to us."""
        return self.passed_over if self.ours else []

    @property
    def last(self) -> str | None:
        """The process that was started in the host's place last, if it is one that we run within."""
        return self._chain[-1] if self._chain and self._within()[-1:] == self._chain[-1:] else None

    @property
    def depth(self) -> int:
        """How many calls this one stands in: a job that outlives its flow has inherited them, no more."""
        return len(self._within())

    def may_stand_in(self, words: Sequence[str]) -> bool:
        """Whether a wrapper that we took for the host may have started us, as a child of its own: the same
        command, while it is running."""
        return (
            not self.ours
            and bool(self.passed_over)
            and self._call == call_of(words)
            and self.last is not None
        )

    def adopted(self) -> str:
        """The variable as it would be if what stands last in it were this process."""
        return " ".join(
            [self.word, self._call, ",".join([*self._chain, identity()]), os.pathsep.join(self.passed_over)]
        )

    def then(self, word: str, words: Sequence[str], path: str, process: str) -> str:
        """The variable for `process`, which is to run `path` in the host's place."""
        tried = os.pathsep.join([*self.tried, path])
        return f"{word} {call_of(words)} {','.join([*self._within(), process])} {tried}"

    def _within(self) -> list[str]:
        if not self._chain:
            return []
        above = ancestors()
        if above is None:
            return [process for process in self._chain if is_alive(process)]
        return [process for process in self._chain if process in above]


def recover(env: dict[str, str] | os._Environ[str]) -> None:
    """Put the variable back where a wrapper has started us without it (`env -i`): else we start the wrapper
    and it starts us for ever."""
    if VIA not in env:
        found = _kept() or _of_an_ancestor()
        if found:
            env[VIA] = found


def keep(value: str) -> list[int]:
    """Hand the variable on in a second way: the descriptors that what we become or start is to inherit."""
    _kept()  # an older one is closed
    if not hasattr(os, "memfd_create"):
        return []
    try:
        number = os.memfd_create(_KEPT, 0)
        os.write(number, value.encode("utf-8", "surrogateescape"))
    except OSError:
        return []
    return [number]


def _kept() -> str | None:
    """What the descriptor says that we have been given; it is closed."""
    found = None
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return None
    for number in numbers:
        try:
            if number > 2 and os.readlink(f"/proc/self/fd/{number}").startswith(f"/memfd:{_KEPT}"):
                found = os.pread(number, _MOST, 0).decode("utf-8", "surrogateescape")
                os.close(number)
        except OSError:
            continue
    return found


def _of_an_ancestor() -> str | None:
    """The variable of the nearest process above us that has it."""
    at = str(os.getppid())
    for _ in range(_NEAR):
        for entry in _read_proc(at, "environ", _MOST).split(b"\0"):
            if entry.startswith(f"{VIA}=".encode()):
                return entry.partition(b"=")[2].decode("utf-8", "surrogateescape")
        told = _stat(at)
        if told is None:
            return None
        at = told[1]
    return None


def is_probe(env: Mapping[str, str]) -> bool:
    """Whether somebody wants to know whether a program leads to us."""
    return env.get(VIA, "").startswith(f"{PROBE} ")


def word_of(token: str | None) -> str:
    """The word for a call: of a traced run's token its beginning, else a new one."""
    return token[:_WORD] if token else os.urandom(_WORD // 2).hex()


def marks(word: str) -> bytes:
    """What stands in a state file of a run that was started with `word`."""
    return f'"{VIA}": "{word} '.encode("utf-8", "surrogateescape")


def run_marks(token: str) -> tuple[bytes, bytes]:
    """What stands in the state file of the run whose token this is: either of them."""
    return f'"{TOKEN}": "{token}"'.encode("utf-8", "surrogateescape"), marks(word_of(token))


def call_of(words: Sequence[str]) -> str:
    """A short name of a command's words. They themselves are not to stand in an environment."""
    number = 2166136261
    for byte in "\0".join(words).encode("utf-8", "surrogateescape"):
        number = (number ^ byte) * 16777619 & 0xFFFFFFFF  # FNV-1a; hashlib would have to be imported
    return f"{number:08x}"


def identity() -> str:
    """This process: its id and, where the system says so, when it was started. An id alone is used again, and
    means another process in another container."""
    found = _stat("self")
    return found[0] if found else f"{os.getpid()}."


def identity_of(pid: int) -> str:
    """The same for a child of ours."""
    found = _stat(str(pid))
    return found[0] if found else f"{pid}."


def is_alive(process: str) -> bool:
    """Whether the process of that `identity` is still there."""
    pid, _, started = process.partition(".")
    if not pid.isdecimal():
        return False
    if started:
        found = _stat(pid)
        return found is not None and found[0] == process
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def stands_below(process: str) -> bool:
    """Whether we run within a process; where the system does not tell, whether it is still there."""
    above = ancestors()
    return is_alive(process) if above is None else process in above


def ancestors() -> set[str] | None:
    """This process and all above it; None where the system does not tell."""
    found: set[str] = set()
    at = "self"
    for _ in range(_FURTHEST):
        told = _stat(at)
        if told is None:
            break
        found.add(told[0])
        at = told[1]
    return found or None


def _stat(pid: str) -> tuple[str, str] | None:
    """The identity of a process that has not ended, and its parent's id."""
    head, _, rest = _read_proc(pid, "stat", 4096).rpartition(b") ")  # a name may hold anything
    fields = rest.split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    return f"{head.split()[0].decode()}.{fields[19].decode()}", fields[1].decode()


def _read_proc(pid: str, name: str, most: int) -> bytes:
    """What the system says of a process; nothing where it does not."""
    return read_beginning(f"/proc/{pid}/{name}", most)


def read_beginning(path: str, most: int) -> bytes:
    """The first bytes of a file of the system or of a program; nothing where it cannot be read. It never
    waits for a pipe, and imports nothing, since it runs before every verb.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, most)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
