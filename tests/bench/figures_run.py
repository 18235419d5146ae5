"""Figures of a run on its way: passed through, captured, imported."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from statistics import median

from tests.bench.measure import Bench, Call, Figure, Took, ms
from tests.bench.records import write_loop, write_past_runs

ITERATIONS = 2_000
LONG = 10_000
"""Long enough that start-up is no matter."""
PAST = 10_000
"""Past runs of a project that is used daily."""
PRINTED = 50_000_000
LIVE_S = 5.0
SLOW = Path(__file__).with_name("slow_host.py")
LOUD = Path(__file__).with_name("loud_host.py")


def pass_through(bench: Bench) -> Figure:
    """A verb that is the host's, with a host that ends at once."""
    host = bench.folder("bin") / "one"
    shutil.copy("/bin/true", host)
    call = bench.command("flow", "list")
    took, bare = bench.interleaved(call, bench.bare, repeat=60, choose=median)
    host.unlink()
    detail = f"{took.wall * 1000:.1f} ms to {bare.wall * 1000:.1f} ms"
    return Figure("pass-through", took.wall / bare.wall, "x python -c pass", 1.05, detail)


def mcp_start(bench: Bench) -> Figure:
    """`trace mcp` from its start to the answers of `initialize` and `tools/list`, and its end."""
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    lines = b"".join(json.dumps(message).encode() + b"\n" for message in asked)
    start = [bench.one, "trace", "mcp"]
    took, bare = bench.interleaved(
        lambda: bench.time(start, bench.env, given=lines), bench.bare, repeat=20, choose=median
    )
    return Figure(
        "trace mcp, start", took.wall / bare.wall, "x python -c pass", 5, f"{ms(took)} to {ms(bare)}"
    )


def import_cost(bench: Bench) -> list[Figure]:
    """Microseconds an event of a 2,000-iteration loop, less start-up; and how often that goes into twice
    the loop.
    """
    events, loop = _importing(bench, ITERATIONS)
    many, once = _importing(bench, LONG)
    _, twice = _importing(bench, 2 * LONG)
    _, none = _importing(bench, 0)
    took, less, more, start = bench.interleaved(loop, once, twice, none)
    each = (took.wall - start.wall) / events * 1e6
    linear = (more.cpu - start.cpu) / (less.cpu - start.cpu)
    return [
        Figure(f"trace import, {events:,} events", each, "us/event", 60, f"{ms(took)}, start-up {ms(start)}"),
        Figure(f"  twice {many:,} events", linear, "x that (cpu)", 2.2, f"{ms(more)} to {ms(less)}"),
    ]


def _importing(bench: Bench, iterations: int) -> tuple[int, Call]:
    project = bench.folder(f"loop-{iterations}")
    events = write_loop(project, iterations)

    def once() -> Took:
        data = bench.folder(f"imported-{iterations}")
        for file in data.iterdir():
            file.unlink()
        env = bench.env | {"ONE_TRACES_DATA_DIR": str(data)}
        return bench.time([bench.one, "--agent", "trace", "import"], env, project)

    return events, once


def import_known(bench: Bench) -> list[Figure]:
    """Seconds of an import of runs that are known, and milliseconds of one that is new; of one step each."""
    project, data = bench.folder("past"), bench.folder("past-imported")
    write_past_runs(project, PAST)
    for file in data.iterdir():
        file.unlink()
    env = bench.env | {"ONE_TRACES_DATA_DIR": str(data)}
    argv = [bench.one, "--agent", "trace", "import"]
    new = bench.time(argv, env, project)
    (known,) = bench.interleaved(lambda: bench.time(argv, env, project))
    name = f"trace import, {PAST:,} runs"
    return [
        Figure(f"{name}, new", new.wall / PAST * 1000, "ms each", 1, f"{new.cpu:.1f} s of cpu"),
        Figure(f"{name}, known", known.wall, "s", 1, f"{known.cpu:.2f} s of cpu"),
    ]


def capture_memory(bench: Bench) -> Figure:
    """Our peak while a host prints 50 MB in one line and leaves a state as large."""
    project, host = bench.folder("loud"), bench.folder("bin") / "one"
    bench.executable(host, f"#!{sys.executable} -IS\n{LOUD.read_text()}")
    env = bench.env | {"ONE_TRACES_DATA_DIR": str(bench.folder("captured")), "LOUD_BYTES": str(PRINTED)}
    argv = [bench.one, "--agent", "flow", "execute", "loud", "--trace"]
    peak, printed = bench.peak_mb(argv, env, project)
    host.unlink()
    _expect_stored(bench, env, project)
    return Figure("capture, 50 MB in one line", peak, "MB", 200, f"{printed:,} bytes arrived")


def live(bench: Bench) -> Figure:
    """The share of one core that drawing takes while a run of 2,000 iterations goes on for 5 s: all that our
    process uses from its start to its end, trace and store included.
    """
    project, host = bench.folder("live"), bench.folder("bin") / "one"
    write_loop(project, ITERATIONS)
    bench.executable(host, f"#!{sys.executable} -IS\n{SLOW.read_text()}")
    env = bench.env | {"ONE_TRACES_DATA_DIR": str(bench.folder("drawn")), "SLOW_SECONDS": str(LIVE_S)}
    env |= {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    used, drawn = bench.in_terminal([bench.one, "flow", "execute", "looped", "--trace"], env, project)
    host.unlink()
    ours = used - float((project / "used").read_text())
    return Figure("live, 2,000 iterations", ours / LIVE_S * 100, "% of a core", 10, f"{drawn:,} bytes drawn")


def _expect_stored(bench: Bench, env: dict[str, str], project: Path) -> None:
    bench.time([bench.one, "--agent", "trace", "show", "00000000feed"], env, project)
