"""Why the host cannot be used, and what to do about it."""

from __future__ import annotations

from one_trace.errors import HostNotFound
from one_trace.guard.text import shell_word

INSTALL = "npm install -g @withone/cli"


def not_a_file(source: str, path: str) -> HostNotFound:
    from difflib import get_close_matches

    near = get_close_matches(path.rpartition("/")[2], ["built-in"], cutoff=0.7)
    hint = "Did you mean built-in (one-trace's own runner)?" if near else _set(source)
    return HostNotFound(f"{source} is set to {path}, which is not a file", hint=hint, fix=_unset(source))


def not_executable(source: str, path: str) -> HostNotFound:
    return HostNotFound(
        f"{source} is set to {path}, which is not executable",
        hint=f"chmod +x {shell_word(path)}",
        code="host-not-executable",
    )


def ourselves(source: str, path: str) -> HostNotFound:
    wrong = f"{source} is set to {path}, which is one-trace itself"
    return HostNotFound(wrong, hint=_set(source), fix=_unset(source))


def called_itself(times: int) -> HostNotFound:
    return HostNotFound(
        f"one-trace has started itself {times} times",
        hint="Some `one` on PATH starts one-trace again: set ONE_TRACE_HOST to One CLI's own program.",
        code="host-loop",
    )


def cannot_start(path: str, error: OSError) -> HostNotFound:
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        reason = "the interpreter in its first line was not found"
    return HostNotFound(
        f"cannot start {path}: {reason}",
        hint=f"Reinstall One CLI: {INSTALL}",
        fix=INSTALL,
        code="host-not-executable",
    )


def missing(words: list[str]) -> HostNotFound:
    """The command is One CLI's, or nobody's, and there is no One CLI."""
    from one_trace.host.verbs import suggestion

    what = f"`one {' '.join(words[:2])}`" if words else "this"
    meant = suggestion(words) if words else None
    if meant:
        return HostNotFound(
            f"there is no command {what} (did you mean `one {meant}`?), and One CLI, which may have one, "
            f"is not on PATH: {INSTALL}"
        )
    return HostNotFound(f"{what} needs One CLI, which is not on PATH: {INSTALL}")


def _set(source: str) -> str:
    return f"Set {source} to the path of One CLI's program, or unset it."


def _unset(source: str) -> str:
    return f"one config unset {source}" if source.startswith("traces.") else f"unset {source}"
