"""`flow`: runs another flow."""

from __future__ import annotations

from one_trace.engine.call import Call, FlowScope, Scheduler
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Promise
from one_trace.engine.rules import IMPORT_TICKS
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle


async def subflow(call: Call) -> Handle:
    """Run the flow `key` in its own context. The output of its last step becomes this step's output."""
    engine, values = call.engine, call.engine.values
    inputs = call.handle("values")
    key = values.open_flow(call.context, call.step, inputs)
    if key in call.scope.stack:
        raise StepFailure(f"Circular flow detected: {' → '.join((*call.scope.stack, key))}")
    await _imported(engine)
    found = engine.find_flow(key)
    context = call.handle("contexts")
    await engine.loop.called(_run(call, found.flow, found.root, key, inputs, context))
    steps = found.flow.get("steps")
    last = steps[-1] if isinstance(steps, list) and steps else None
    handle = call.handle()
    collisions = values.close_flow(context, last if isinstance(last, dict) else None, handle)
    if collisions:
        fields = f"final step output fields [{', '.join(collisions)}] collide with sub-step ids"
        engine.events.other(
            "flow:warning", message=f'Sub-flow "{key}" {fields} — flattened fields take precedence.'
        )
    return handle


async def _run(call: Call, flow: Json, root: str, key: str, inputs: Handle, context: Handle) -> None:
    engine = call.engine
    if isinstance(flow, list):
        flow = {}  # in JavaScript an array is an object without these fields
    if not isinstance(flow, dict):
        raise StepFailure(
            f"Cannot read properties of {'null' if flow is None else 'undefined'} (reading 'inputs')"
        )
    engine.values.accept(context, inputs, flow.get("inputs"))
    scope = FlowScope(str(flow.get("key")), root, (*call.scope.stack, key), flow.get("defaultOnError"))
    await engine.flow(flow, scope, context, call.place())


async def _imported(engine: Scheduler) -> None:
    if engine.reader is None:
        engine.reader = Promise(engine.loop)
        reader = engine.reader
        engine.loop.call_soon(lambda: reader.resolve(None))
    elif engine.reader.settled:
        for _ in range(IMPORT_TICKS - 1):
            await engine.reader
    await engine.reader
