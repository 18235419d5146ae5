"""Steps that have no nested steps and run in the worker."""

from __future__ import annotations

from one_trace.runner.call import Call
from one_trace.runner.failures import StepFailure
from one_trace.runner.worker import Handle


def at_once(call: Call) -> Handle:
    """`transform`, `file-read`, `file-write`: synchronous."""
    handle = call.handle()
    call.engine.worker.ask(call.step["type"], handle.number, call.context.number, call.number)
    return handle


async def code(call: Call) -> Handle:
    """Inline code, or a module, which runs in its own process."""
    handle = call.handle()
    arguments = (handle.number, call.context.number, call.number, call.scope.root)
    await call.engine.worker.begin(call.engine.loop, "code", *arguments)
    return handle


async def bash(call: Call) -> Handle:
    """A shell command, if `--allow-bash` is set."""
    if not call.engine.options.allow_bash:
        raise StepFailure("Bash steps require --allow-bash flag for security")
    handle = call.handle()
    arguments = (handle.number, call.context.number, call.number)
    await call.engine.worker.begin(call.engine.loop, "bash", *arguments)
    return handle
