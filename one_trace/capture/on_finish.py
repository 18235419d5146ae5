"""`traces.on_finish`: the user's own program, started after a run that did not succeed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from one_trace.capture.call import PARENT
from one_trace.errors import CliError
from one_trace.guard.text import json_bytes
from one_trace.host.via import TOKEN

_WITHIN = "ONE_TRACE_ON_FINISH"
"""Set for the program: no program is started after a run that it starts."""
_NOT_PASSED_ON = frozenset(
    (TOKEN, PARENT, "TRACES_API_KEY", "TRACES_CLI_AUTH_TOKEN", "ONE_SECRET", "CLICKHOUSE_PASSWORD")
)
_SECRET_ENDINGS = ("_HEADERS", "_PASSWORD", "_CLIENT_KEY")
"""Of variables of OTLP and of ours that hold credentials."""


def start(program: str, line: Mapping[str, object], patience_s: float) -> CliError | None:
    """Start the program with the line `trace:saved` on its standard input, and wait for it for at most
    `patience_s` seconds; it is stopped then. 0: it is not waited for. Returns what went wrong."""
    if os.environ.get(_WITHIN):
        return None
    try:
        process = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(os.environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _problem(program, f"cannot be started: {reason}")
    return _wait(process, json_bytes(line) + b"\n", program, patience_s)


def _wait(process: subprocess.Popen[bytes], line: bytes, program: str, patience_s: float) -> CliError | None:
    if not patience_s:
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.write(line)  # less than a pipe holds
            process.stdin.close()
        return None
    try:
        process.communicate(line, timeout=patience_s)
    except subprocess.TimeoutExpired:
        _stop(process)
        return _problem(program, f"was stopped after {patience_s:g} s (traces.flush_timeout)")
    except KeyboardInterrupt:
        _stop(process)
        return _problem(program, "was stopped")
    code = process.returncode
    if code == 0:
        return None
    how = f"ended with exit code {code}" if code > 0 else f"ended by signal {-code}"
    return _problem(program, how)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program with all that it has started."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """That of the run, without our credentials and One CLI's."""
    kept = {name: value for name, value in env.items() if not _is_secret(name)}
    return kept | {_WITHIN: "1"}


def _is_secret(name: str) -> bool:
    ours = name.startswith(("OTEL_EXPORTER_OTLP_", "ONE_TRACE"))
    return name in _NOT_PASSED_ON or (ours and name.endswith(_SECRET_ENDINGS))


def _problem(program: str, what: str) -> CliError:
    hint = "It is set by traces.on_finish: one trace help settings"
    return CliError(f"the program {program} {what}", hint=hint, code="on-finish")
