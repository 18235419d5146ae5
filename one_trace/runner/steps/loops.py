"""`loop` and `while`."""

from __future__ import annotations

from one_trace.runner.call import Call
from one_trace.runner.javascript import number
from one_trace.runner.worker import Handle

_MAX_ITERATIONS = 100
"""Default of `while`."""


async def loop(call: Call) -> Handle:
    """Run the steps for each item, one after another or in concurrent batches."""
    worker = call.engine.worker
    state = call.handle("loops")
    count = int(worker.ask("openLoop", state.number, call.context.number, call.number))
    config = call.config("loop", "over")
    width = number(config.get("maxConcurrency"))
    if width > 1:
        start = 0.0
        while start < count:
            batch = range(int(start), min(count, int(start + width)))
            await call.engine.loop.every([call.engine.loop.go(_concurrent(call, state, i)) for i in batch])
            start += width
    else:
        for i in range(count):
            worker.tell("turn", state.number, call.context.number, i)
            await call.list(config.get("steps"), call.context, call.place(iteration=i))
            worker.tell("endTurn", state.number, call.context.number, i)
    handle = call.handle()
    worker.tell("closeLoop", state.number, call.context.number, handle.number)
    return handle


async def _concurrent(call: Call, state: Handle, i: int) -> None:
    """One of several concurrent iterations, with its own context."""
    own, worker = call.handle("contexts"), call.engine.worker
    worker.tell("fork", state.number, call.context.number, own.number, i)
    await call.list(call.config("loop", "over").get("steps"), own, call.place(iteration=i))
    worker.tell("join", state.number, call.context.number, own.number, i)


async def while_(call: Call) -> Handle:
    """Like do-while: the condition is evaluated after each iteration but the last possible one."""
    worker = call.engine.worker
    config = call.config("while", "maxIterations")
    most, steps = config.get("maxIterations"), config.get("steps")
    outcomes = call.handle("values")
    worker.tell("openWhile", call.context.number, call.number, outcomes.number)
    iterations = 0
    while iterations < (_MAX_ITERATIONS if most is None else number(most)):
        if iterations and not _again(call):
            break
        await call.list(steps, call.context, call.place(iteration=iterations))
        last = worker.step(steps[-1]) if steps else None
        worker.tell("whileTurn", call.context.number, call.number, last, iterations, outcomes.number)
        iterations += 1
    handle = call.handle()
    worker.tell("closeWhile", handle.number, outcomes.number)
    return handle


def _again(call: Call) -> bool:
    engine = call.engine
    engine.observer.resolves(call.span, call.attempt, call.step, call.context)
    return bool(engine.worker.ask("again", call.context.number, call.number))
