"""Steps that have no nested steps."""

from __future__ import annotations

from one_trace.engine.call import Call
from one_trace.engine.failures import StepFailure
from one_trace.engine.values import Handle


def at_once(call: Call) -> Handle:
    """`transform`, `file-read`, `file-write`: synchronous."""
    handle = call.handle()
    call.engine.values.at_once(handle, call.context, call.step)
    return handle


async def code(call: Call) -> Handle:
    """Inline code, or a module, which runs in its own process."""
    return await _begun(call)


async def bash(call: Call) -> Handle:
    """A shell command, if `--allow-bash` is set."""
    if not call.engine.options.allow_bash:
        raise StepFailure("Bash steps require --allow-bash flag for security")
    return await _begun(call)


async def _begun(call: Call) -> Handle:
    handle = call.handle()
    await call.engine.values.begin(call.engine.loop, handle, call.context, call.step, call.scope.root)
    return handle
