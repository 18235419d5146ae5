"""`condition` and `parallel`."""

from __future__ import annotations

from one_trace.engine.call import Call
from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import number, truthy
from one_trace.engine.rules import CONCURRENCY
from one_trace.engine.values import Handle


async def condition(call: Call) -> Handle:
    """Run the steps of one branch."""
    values = call.engine.values
    taken = values.condition(call.context, call.step)
    config = call.config("condition", "expression")
    branch, steps = ("then", config.get("then")) if taken else ("else", config.get("else") or [])
    ran = await call.list(steps, call.context, call.place(branch=branch))
    handle = call.handle()
    values.close_condition(handle, taken, [result.handle for result in ran])
    return handle


async def parallel(call: Call) -> Handle:
    """Run batches of steps, one after another. Its direct children have no events."""
    engine = call.engine
    config = call.config("parallel", "maxConcurrency")
    steps = config.get("steps")
    if not isinstance(steps, list):
        what = "null" if "steps" in config else "undefined"
        raise StepFailure(f"Cannot read properties of {what} (reading 'length')")
    width = number(config.get("maxConcurrency")) if truthy(config.get("maxConcurrency")) else CONCURRENCY
    place, parts, start = call.place(), [], 0.0
    while start < len(steps):
        batch = list(enumerate(steps))[int(start) : int(min(len(steps), start + width))]
        promises = []
        for index, step in batch:
            if not isinstance(step, dict):
                raise StepFailure("Cannot read properties of null (reading 'if')")
            span = engine.observer.begin(step, call.scope.key, place, index, events=False)
            plan = engine.plans.of(step, call.scope.default_on_error)
            promises.append(engine.loop.go(engine.step(plan, call.context, call.scope, span)))
        results = await engine.loop.every(promises)
        kept = [(step, result.handle) for (_, step), result in zip(batch, results, strict=True)]
        engine.values.keep(call.context, kept)
        parts += results
        start += width
    handle = call.handle()
    engine.values.close_parallel(handle, [result.handle for result in parts])
    return handle
