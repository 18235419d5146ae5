"""`loop` and `while`."""

from __future__ import annotations

from one_trace.engine.call import Call
from one_trace.engine.javascript import number
from one_trace.engine.rules import LOOP_ITEMS, WHILE_ITERATIONS
from one_trace.engine.values import Handle


async def loop(call: Call) -> Handle:
    """Run the steps for each item, one after another or in concurrent batches."""
    values = call.engine.values
    state = call.handle("loops")
    count = values.open_loop(state, call.context, call.step, LOOP_ITEMS)
    config = call.config("loop", "over")
    width = number(config.get("maxConcurrency"))
    if width > 1:
        start = 0.0
        while start < count:
            batch = range(int(start), int(min(count, start + width)))
            await call.engine.loop.every([call.engine.loop.go(_concurrent(call, state, i)) for i in batch])
            start += width
    else:
        for i in range(count):
            values.begin_iteration(state, call.context, i)
            await call.list(config.get("steps"), call.context, call.place(iteration=i))
            values.end_iteration(state, call.context, i)
    handle = call.handle()
    values.close_loop(state, call.context, handle)
    return handle


async def _concurrent(call: Call, state: Handle, i: int) -> None:
    """One of several concurrent iterations, with its own context."""
    own, values = call.handle("contexts"), call.engine.values
    values.fork(state, call.context, own, i)
    await call.list(call.config("loop", "over").get("steps"), own, call.place(iteration=i))
    values.join(state, call.context, own, i)


async def while_(call: Call) -> Handle:
    """Like do-while: the condition is evaluated after each iteration but the last possible one."""
    values = call.engine.values
    config = call.config("while", "maxIterations")
    most, steps = config.get("maxIterations"), config.get("steps")
    outcomes = call.handle("values")
    values.open_while(call.context, call.step, outcomes)
    iterations = 0
    while iterations < (WHILE_ITERATIONS if most is None else number(most)):
        if iterations and not _again(call):
            break
        await call.list(steps, call.context, call.place(iteration=iterations))
        last = steps[-1] if steps else None
        values.end_turn(call.context, call.step, last, iterations, outcomes)
        iterations += 1
    handle = call.handle()
    values.close_while(handle, outcomes)
    return handle


def _again(call: Call) -> bool:
    engine = call.engine
    engine.observer.resolves(call.span, call.attempt, call.step, call.context)
    return engine.values.again(call.context, call.step)
