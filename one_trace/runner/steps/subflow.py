"""`flow`: runs another flow."""

from __future__ import annotations

from one_trace.runner.call import Call, FlowScope, Scheduler
from one_trace.runner.failures import StepFailure
from one_trace.runner.loading import FlowUnreadable, load
from one_trace.runner.loop import Promise
from one_trace.runner.schema import Json
from one_trace.runner.worker import Handle

_IMPORT_TICKS = 8
"""Microtasks in which One CLI imports its flow loader, once it has been read from disk."""


async def subflow(call: Call) -> Handle:
    """Run the flow `key` in its own context. The output of its last step becomes this step's output."""
    engine, worker = call.engine, call.engine.worker
    inputs = call.handle("values")
    key = str(worker.ask("openFlow", call.context.number, call.number, inputs.number))
    if key in call.scope.stack:
        raise StepFailure(f"Circular flow detected: {' → '.join((*call.scope.stack, key))}")
    await _imported(engine)
    try:
        loaded = load(key, worker.json_error)
    except FlowUnreadable as error:
        raise StepFailure(str(error)) from error
    context = call.handle("contexts")
    await engine.loop.go(_run(call, loaded.flow, loaded.root, key, inputs, context))
    steps = loaded.flow.get("steps")
    last = steps[-1] if isinstance(steps, list) and steps else None
    handle = call.handle()
    number = worker.step(last) if isinstance(last, dict) else None
    collisions = worker.ask("closeFlow", context.number, number, handle.number)
    if collisions:
        fields = f"final step output fields [{', '.join(collisions)}] collide with sub-step ids"
        engine.emit("flow:warning", message=f'Sub-flow "{key}" {fields} — flattened fields take precedence.')
    return handle


async def _run(call: Call, flow: Json, root: str, key: str, inputs: Handle, context: Handle) -> None:
    engine = call.engine
    if isinstance(flow, list):
        flow = {}  # in JavaScript an array is an object without these fields
    if not isinstance(flow, dict):
        raise StepFailure(
            f"Cannot read properties of {'null' if flow is None else 'undefined'} (reading 'inputs')"
        )
    engine.worker.ask("acceptNew", context.number, inputs.number, flow.get("inputs"))
    scope = FlowScope(str(flow.get("key")), root, (*call.scope.stack, key), flow.get("defaultOnError"))
    await engine.flow(flow, scope, context, call.place())


async def _imported(engine: Scheduler) -> None:
    if engine.reader is None:
        engine.reader = Promise(engine.loop)
        reader = engine.reader
        engine.loop.call_soon(lambda: reader.resolve(None))
    elif engine.reader.settled:
        for _ in range(_IMPORT_TICKS - 1):
            await engine.reader
    await engine.reader
