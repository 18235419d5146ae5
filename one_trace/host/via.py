"""How this process was reached: keeps copies of us, shims and wrappers from calling each other without end.

What we start in the host's place gets `ONE_TRACE_VIA` in its environment: `TAG CALL CHAIN TRIED`. TAG is
random; for a traced run it is the beginning of its token. CALL is a hash of the command's words. CHAIN lists
the processes started in the host's place, one within another, the newest last; TRIED lists the programs that
have led back to us so far. Runs before every verb: imports next to nothing.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Environment = dict[str, str] | os._Environ[str]

VIA = "ONE_TRACE_VIA"
TOKEN = "ONE_TRACE_TOKEN"
"""The run's token in the environment of a traced host. The host stores its environment: that identifies the
run."""
DEEPEST = 32
"""Nested calls. More than that means a wrapper around us that we mistake for the host."""
PROBE = "probe"
"""As TAG: print the variable to show that we were reached, and do nothing else."""
_MOST_ANCESTORS = 256
_TAG_LENGTH = 12
_MEMFD = "one-trace-via"
"""The name of a file descriptor that holds the variable, for wrappers that give us an environment of their
own."""
_SEARCHED_ANCESTORS = 2
"""Ancestors whose environment is searched for the variable."""
_ENVIRONMENT_LIMIT = 1 << 17
"""Bytes of an environment that are searched."""


class Via:
    """`ONE_TRACE_VIA`, read for this process."""

    def __init__(self, env: "Mapping[str, str]") -> None:
        self.tag, self._call, chain, tried = (env.get(VIA, "").split(" ", 3) + [""] * 4)[:4]
        self._chain = chain.split(",") if chain else []
        self.ours = bool(self._chain) and self._chain[-1] == identity()
        """Whether this process was started in the host's place. All others have inherited the variable."""
        self.all_tried = tried.split(os.pathsep) if tried else []
        """Programs tried in the host's place, by this call or by the call that this one runs within."""

    @property
    def tried(self) -> list[str]:
        """Programs that lead back to us."""
        return self.all_tried if self.ours else []

    @property
    def last(self) -> str | None:
        """The process last started in the host's place, if we run within it."""
        return self._chain[-1] if self._chain and self._within()[-1:] == self._chain[-1:] else None

    @property
    def depth(self) -> int:
        """How many calls we run within. A job that outlives its flow has inherited them, but is not within
        them."""
        return len(self._within())

    def may_stand_in(self, words: "Sequence[str]") -> bool:
        """Whether a wrapper that we mistook for the host may have started us as its child: it is running, and
        was started for the same command."""
        return (
            not self.ours and bool(self.all_tried) and self._call == call_of(words) and self.last is not None
        )

    def adopted(self) -> str:
        """The variable with this process as the last in the chain."""
        chain = ",".join([*self._chain, identity()])
        return f"{self.tag} {self._call} {chain} {os.pathsep.join(self.all_tried)}"

    def then(self, tag: str, words: "Sequence[str]", path: str, process: str) -> str:
        """The variable for `process`, which is to run `path` in the host's place."""
        chain = ",".join([*self._within(), process])
        return f"{tag} {call_of(words)} {chain} {os.pathsep.join([*self.tried, path])}"

    def _within(self) -> list[str]:
        above = ancestors() if self._chain else set()
        return [process for process in self._chain if _is_running(process, above)]


def recover(env: "Environment") -> None:
    """Restore the variable if a wrapper started us without it (`env -i`): otherwise we start the wrapper and
    it starts us, without end."""
    if VIA not in env:
        value = _from_memfd() or _from_ancestor()
        if value:
            env[VIA] = value


def keep(value: str) -> list[int]:
    """Pass the variable on in a second way: returns the file descriptors that the next program is to
    inherit."""
    _from_memfd()  # closes an older one
    if not hasattr(os, "memfd_create"):
        return []
    try:
        descriptor = os.memfd_create(_MEMFD, 0)
        os.write(descriptor, value.encode("utf-8", "surrogateescape"))
    except OSError:
        return []
    return [descriptor]


def _from_memfd() -> str | None:
    """The value in the descriptor that we inherited, which is closed."""
    value = None
    try:
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return None
    for descriptor in descriptors:
        try:
            if descriptor > 2 and os.readlink(f"/proc/self/fd/{descriptor}").startswith(f"/memfd:{_MEMFD}"):
                value = os.pread(descriptor, _ENVIRONMENT_LIMIT, 0).decode("utf-8", "surrogateescape")
                os.close(descriptor)
        except OSError:
            continue
    return value


def _from_ancestor() -> str | None:
    """The variable of the nearest ancestor that has it."""
    pid = str(os.getppid())
    for _ in range(_SEARCHED_ANCESTORS):
        environment = b"\0" + read_beginning(f"/proc/{pid}/environ", _ENVIRONMENT_LIMIT)
        _, found, rest = environment.partition(f"\0{VIA}=".encode())
        if found:
            return rest.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        stat = _stat(pid)
        if stat is None:
            return None
        pid = stat[1]
    return None


def is_probe(env: "Mapping[str, str]") -> bool:
    """Whether we were started only to find out whether a program leads to us."""
    return env.get(VIA, "").startswith(f"{PROBE} ")


def tag_of(token: str | None) -> str:
    """The tag for a call: the beginning of a traced run's token, else a new one."""
    return token[:_TAG_LENGTH] if token else os.urandom(_TAG_LENGTH // 2).hex()


def mark_of(tag: str) -> bytes:
    """What the state file of a run contains that was started with `tag`."""
    return f'"{VIA}": "{tag} '.encode("utf-8", "surrogateescape")


def run_marks(token: str) -> tuple[bytes, bytes]:
    """What the state file of the run with this token contains: at least one of them."""
    return f'"{TOKEN}": "{token}"'.encode("utf-8", "surrogateescape"), mark_of(tag_of(token))


def call_of(words: "Sequence[str]") -> str:
    """A short hash of a command's words, which themselves must not stand in an environment."""
    number = 2166136261
    for byte in "\0".join(words).encode("utf-8", "surrogateescape"):
        number = (number ^ byte) * 16777619 & 0xFFFFFFFF  # FNV-1a: hashlib would have to be imported
    return f"{number:08x}"


def identity(pid: int | None = None) -> str:
    """A process (default: this one): its id and, if the system reports it, its start time. Ids alone are
    reused, and differ between containers."""
    stat = _stat("self" if pid is None else str(pid))
    return stat[0] if stat else f"{os.getpid() if pid is None else pid}."


def is_alive(process: str) -> bool:
    """Whether the process of that identity still exists."""
    pid, _, started = process.partition(".")
    if not pid.isdecimal():
        return False
    if started:
        stat = _stat(pid)
        return stat is not None and stat[0] == process
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def runs_within(process: str) -> bool:
    """Whether we run within a process; if the system does not report ancestors, whether it still exists."""
    return _is_running(process, ancestors())


def _is_running(process: str, above: set[str] | None) -> bool:
    return is_alive(process) if above is None else process in above


def ancestors() -> set[str] | None:
    """The identities of this process and its ancestors; None if the system does not report them."""
    identities: set[str] = set()
    pid = "self"
    for _ in range(_MOST_ANCESTORS):
        stat = _stat(pid)
        if stat is None:
            break
        identities.add(stat[0])
        pid = stat[1]
    return identities or None


def _stat(pid: str) -> tuple[str, str] | None:
    """The identity of a running process, and its parent's id."""
    head, _, rest = read_beginning(f"/proc/{pid}/stat", 4096).rpartition(b") ")  # a name may contain anything
    fields = rest.split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    return f"{head.split()[0].decode()}.{fields[19].decode()}", fields[1].decode()


def read_beginning(path: str, limit: int) -> bytes:
    """The first bytes of a program or of a file in /proc; empty if it cannot be read. Never waits for a
    pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, limit)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
