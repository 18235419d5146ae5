"""Signals, ends, closed streams: a traced run behaves as the host alone would, and is traced all the same."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = ["--agent", "flow", "execute", "k", "--trace"]
UP = "print('up', flush=True); import signal, time"
SLEEP = f"{UP}; time.sleep(60)"
COUNT = """
import signal, time
seen = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
    signal.signal(number, lambda n, f: seen.append(n))
print('up', flush=True)
until = time.monotonic() + 120
while not seen and time.monotonic() < until:
    time.sleep(0.01)
time.sleep(0.3)
print('seen', *map(int, seen), flush=True)
"""


def until_up(process):
    while (line := process.stdout.readline()) != b"up\n":
        assert line, "the host has ended too early"


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGQUIT]
)
def test_a_signal_to_us_ends_the_host_and_us_by_the_same_signal(machine, number):
    machine.player(
        "48-sigkill", after=f"{UP}; signal.signal({number}, signal.SIG_DFL); print('up'); time.sleep(60)"
    )
    process = machine.start(*RUN)
    until_up(process)
    time.sleep(0.2)
    process.send_signal(number)
    code, _, err = finish(process)
    assert code == -number
    assert b"trace:saved" in err
    assert len(machine.runs()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2])
def test_a_host_that_handles_a_signal_gets_it_once(machine, number):
    machine.player("47-sigint", after=COUNT, exit=9)
    process = machine.start(*RUN)
    until_up(process)
    process.send_signal(number)
    code, out, err = finish(process)
    assert code == 9
    assert out.endswith(f"seen {int(number)}\n".encode())
    assert b"trace:saved" in err


def test_ctrl_c_in_a_terminal_reaches_the_host_once_and_we_survive_it(machine):
    machine.player("47-sigint", after=COUNT)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(machine.project)
        os.execve(machine.ours / "one", ["one", *RUN], machine.env)
    read_until(terminal, b"up\r\n")
    os.write(terminal, b"\x03")
    rest = read_until(terminal, None)
    assert b"seen 2\r\n" in rest
    assert b"trace:saved" in rest
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
"""
HEARS = """
import signal
signal.signal(signal.SIGINT, lambda n, f: None)
"""
LEAVES = "Path('pid').write_text(str(os.getpid())); Path('up').touch(); import time; time.sleep(60)"


@pytest.mark.parametrize("before", [HEARS, DEAF], ids=["ends when told", "is deaf"])
def test_ctrl_c_ends_a_host_that_is_drawn_and_us_well(machine, before):
    machine.player("48-sigkill", before=before, after=LEAVES)
    machine.env["TERM"] = "xterm"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(machine.project)
        os.execve(machine.ours / "one", ["one", "flow", "execute", "k", "--trace"], machine.env)
    until = time.monotonic() + 120
    while not (machine.project / "up").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    os.write(terminal, b"\x03")
    rest = read_until(terminal, None)
    assert "◇  Canceled\r\n".encode() in rest
    assert b"Pausing" not in rest
    assert b"traced " in rest
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int((machine.project / "pid").read_text()), 0)
    assert machine.runs()[0]["status"] == "incomplete"


def read_until(terminal, mark):
    """What the terminal shows until `mark` (None: until its program has ended)."""
    shown = b""
    while mark is None or mark not in shown:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux: the other end is closed
            data = b""
        if not data:
            assert mark is None, shown
            return shown
        shown += data
    return shown


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT])
def test_a_host_that_is_killed_ends_us_the_same_way(machine, number):
    machine.player("48-sigkill", signal=int(number))
    done = machine.one(*RUN)
    assert done.code == -number
    assert done.saved["spans"] == 5
    assert machine.runs()[0]["status"] == "incomplete"


ENDS_ALONE = sorted(
    signal.valid_signals()
    - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
    - {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
)
"""Every signal whose default is to end a process, real-time ones too."""


@pytest.mark.parametrize("number", [n for n in ENDS_ALONE if n < signal.SIGRTMIN + 2], ids=str)
def test_every_signal_that_ends_a_process_ends_host_and_run(machine, number):
    machine.player("48-sigkill", after=f"signal.signal({int(number)}, signal.SIG_DFL); {LEAVES}", before=UP)
    process = machine.start(*RUN)
    wait_for(machine.project / "up")
    process.send_signal(number)
    code, _, err = finish(process)
    assert code == -number
    assert b"trace:saved" in err
    assert has_ended(int((machine.project / "pid").read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
def test_sigkill_of_us_ends_the_host_and_the_next_run_traces_what_it_left(machine):
    machine.player("48-sigkill", after=f"if sys.argv[4] == 'k': {LEAVES}")
    machine.env["CODEX_THREAD_ID"] = "first"
    process = machine.start(*RUN)
    wait_for(machine.project / "up")
    wait_for(machine.data / "pending", with_text=True)  # its note is written once the host runs
    process.kill()
    assert finish(process)[0] == -signal.SIGKILL
    until = time.monotonic() + 120
    while not has_ended(int((machine.project / "pid").read_text())):
        assert time.monotonic() < until
        time.sleep(0.01)
    machine.env["CODEX_THREAD_ID"] = "second"
    assert machine.one("--agent", "flow", "execute", "x", "--trace").code == 0
    runs = {run["runId"]: run for run in machine.runs()}
    (log,) = [file for file in machine.data.iterdir() if file.name == "pending"] or [None]
    assert (len(runs), log) == (2, None)
    sessions = {
        machine.one("--agent", "trace", "show", "--full", run).document["run"]["session"]["sessionId"]
        for run in runs
    }
    assert sessions == {"first", "second"}


def test_a_host_that_is_stopped_stops_us_and_goes_on_with_us(machine):
    machine.player("48-sigkill", after=LEAVES)
    process = machine.start(*RUN, process_group=0)  # in an orphaned group SIGTSTP stops nobody
    wait_for(machine.project / "up")
    host = int((machine.project / "pid").read_text())
    process.send_signal(signal.SIGTSTP)
    wait_for_state(process.pid, "T")
    wait_for_state(host, "T")
    process.send_signal(signal.SIGCONT)
    wait_for_state(host, "S")
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="needs a system that tells a process's state"
)
def test_sigstop_of_us_stops_the_host_until_we_go_on(machine):
    machine.player("48-sigkill", after=LEAVES)
    process = machine.start(*RUN)
    wait_for(machine.project / "up")
    host = int((machine.project / "pid").read_text())
    for _ in range(2):
        process.send_signal(signal.SIGSTOP)
        wait_for_state(host, "T")
        assert state_of(process.pid) == "T"
        process.send_signal(signal.SIGCONT)
        wait_for_state(host, "S")
        wait_for_state(process.pid, "S")
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


def test_a_host_that_is_stopped_itself_stops_us_until_we_go_on(machine):
    machine.player("48-sigkill", after=LEAVES)
    process = machine.start(*RUN)
    wait_for(machine.project / "up")
    host = int((machine.project / "pid").read_text())
    os.kill(host, signal.SIGSTOP)
    wait_for_state(process.pid, "T")
    process.send_signal(signal.SIGCONT)
    wait_for_state(host, "S")
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="needs a system that tells a process's state"
)
@pytest.mark.parametrize("us", [True, False], ids=["one-trace is stopped", "the host is stopped"])
def test_a_host_that_alone_is_told_to_go_on_goes_on_and_we_with_it(machine, us):
    machine.player("48-sigkill", after=LEAVES)
    process = machine.start(*RUN)
    wait_for(machine.project / "up")
    host = int((machine.project / "pid").read_text())
    os.kill(process.pid if us else host, signal.SIGSTOP)
    wait_for_state(host, "T")
    wait_for_state(process.pid, "T")
    time.sleep(0.3)
    os.kill(host, signal.SIGCONT)
    wait_for_state(process.pid, "S")
    time.sleep(0.3)
    assert "T" not in (state_of(host), state_of(process.pid))
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


def test_nobody_waits_for_anything_of_ours_when_we_were_killed(machine):
    """Streams end with us, though another process of ours has been beside us."""
    machine.player("48-sigkill", after=LEAVES)
    process = machine.start(*RUN)
    wait_for(machine.project / "up")
    process.kill()
    process.communicate(timeout=120)


def wait_for(path, *, with_text=False):
    """Until it is there or, `with_text`, until a file in it has been written."""
    until = time.monotonic() + 120
    while not (any(file.read_text() for file in path.glob("*")) if with_text else path.exists()):
        assert time.monotonic() < until
        time.sleep(0.01)


def state_of(pid):
    """As the kernel has it: S sleeps, T is stopped, Z has ended; empty: is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


def wait_for_state(pid, state):
    until = time.monotonic() + 120
    while state_of(pid) != state:
        assert time.monotonic() < until, state_of(pid)
        time.sleep(0.01)


def has_ended(pid):
    return state_of(pid) in ("", "Z")


WRITER = "import time\nfor _ in range(200): os.write(1, b'x' * 4096 + b'\\n'); time.sleep(0.002)"


@pytest.mark.parametrize("reaction", ["default", "exception"])
def test_a_reader_that_closes_early_does_to_the_host_what_it_would_without_us(machine, reaction):
    dies = "import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n" if reaction == "default" else ""
    machine.player("48-sigkill", after=dies + WRITER)
    codes = []
    for argv in ([*RUN[:-1], "--no-trace"], RUN):
        process = machine.start(*argv, stderr=subprocess.DEVNULL)
        process.stdout.read(2000)
        process.stdout.close()
        codes.append(process.wait(30))
    assert codes[0] == codes[1] != 0
    assert len(machine.runs()) == 1


def test_a_slow_reader_gets_every_byte(machine):
    machine.player("02-linear-unicode", print=2 << 20)
    process = machine.start(*RUN)
    size = 0
    while data := process.stdout.read(1 << 16):
        size += len(data)
        time.sleep(0.005)
    assert size > 2 << 20
    assert process.wait(30) == 0


def test_a_host_that_prints_nothing_and_leaves_nothing(machine):
    machine.host("import sys; sys.exit(6)")
    done = machine.one(*RUN)
    assert (done.code, done.out, [note["code"] for note in done.notes]) == (6, b"", ["run-not-started"])


def test_a_host_that_never_ends_is_ended_as_ever(machine):
    machine.player("48-sigkill", after=SLEEP)
    process = machine.start(*RUN)
    until_up(process)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


def test_ignored_signals_stay_ignored_in_the_host(machine):
    machine.shell_host("kill -HUP $$; echo alive")
    process = machine.start(*RUN, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    code, out, _ = finish(process)
    assert (code, out) == (0, b"alive\n")


def test_the_host_starts_with_no_signal_blocked(machine):
    machine.shell_host("while read name mask; do [ $name = SigBlk: ] && echo $mask; done < /proc/self/status")
    assert set(machine.one(*RUN).out.split()) == {b"0" * 16}


def test_the_terminal_is_the_hosts_in_human_mode(machine):
    machine.host(
        "import os\nprint(os.isatty(0), os.isatty(1), os.isatty(2), os.tcgetpgrp(0) == os.getpgrp())"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(machine.project)
        os.execve(machine.ours / "one", ["one", "flow", "execute", "k", "--trace"], machine.env)
    assert read_until(terminal, None).split()[:4] == [b"True"] * 4
    os.waitpid(child, 0)
