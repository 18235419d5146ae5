"""The kinds of history: each a function of a flow's key and a source of chance."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.findings.histories import Draft, History, chain, planned, runs

Kind = Callable[[str, Random], History]
KINDS: dict[str, Kind] = {}
STEPS = ("fetch", "work", "send")


def kind(make: Kind) -> Kind:
    KINDS[make.__name__.replace("_", "-")] = make
    return make


def simple(
    flow: str,
    random: Random,
    count: int,
    work: Callable[[Draft, int], None],
    must: set[tuple[str, str]] | None = None,
    *,
    timeout: float | None = None,
    may: set[tuple[str, str]] | None = None,
    versions: Callable[[int], str | None] = lambda number: "v1",
    name: str = "",
    plan: list | None = None,
) -> History:
    """Three steps one after the other, of which the second is what the history is about."""

    def make(draft: Draft) -> None:
        draft.version = versions(draft.number)
        draft.step("fetch", draft.noisy(200), kind="action")
        work(draft, draft.number)
        if draft.status == "success":
            draft.step("send", draft.noisy(80), kind="action")

    about = {"timeout_ms": timeout} if timeout else {}
    steps = plan or chain(flow, "fetch", ("work", about), "send")
    return History(name, flow, runs(flow, random, count, make, steps), must or set(), may or set())


# healthy


@kind
def healthy(flow: str, random: Random) -> History:
    spread = random.choice([0.05, 0.15, 0.3, 0.5])
    return simple(flow, random, random.randint(2, 80), lambda d, n: d.step("work", d.noisy(500, spread)))


@kind
def healthy_long_tail(flow: str, random: Random) -> History:
    return simple(flow, random, random.randint(20, 80), lambda d, n: d.step("work", d.noisy(300, 0.9)))


@kind
def bimodal(flow: str, random: Random) -> History:
    """A cache that hits or misses."""
    part = random.choice([0.2, 0.5, 0.8])

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(900 if random.random() < part else 100))

    return simple(flow, random, random.randint(20, 80), work)


@kind
def one_outlier(flow: str, random: Random) -> History:
    count = random.randint(15, 60)
    odd = random.randrange(count)
    return simple(
        flow, random, count, lambda d, n: d.step("work", 9000.0 if n == odd else d.noisy(300)), timeout=20_000
    )


@kind
def comes_and_goes(flow: str, random: Random) -> History:
    """Slow by day, quick by night."""
    half = random.randint(8, 14)
    return simple(flow, random, 6 * half, lambda d, n: d.step("work", d.noisy(400 if n // half % 2 else 200)))


@kind
def few_runs(flow: str, random: Random) -> History:
    """Two to five runs, one of them failed, times all over: too few to say anything."""
    count = random.randint(2, 5)
    bad = random.randrange(count)

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(400, 0.6), status="error" if number == bad else "success")

    return simple(flow, random, count, work)


@kind
def clock_jumps(flow: str, random: Random) -> History:
    """The clock was set back: runs that seem to take no time."""

    def work(draft: Draft, number: int) -> None:
        draft.step("work", 0.0 if random.random() < 0.05 else draft.noisy(300))

    return simple(flow, random, random.randint(20, 60), work)


# times


@kind
def step_change(flow: str, random: Random) -> History:
    count = random.randint(30, 90)
    at = random.randint(max(4, count // 10), count - 5)
    factor = random.choice([1.5, 2.0, 4.0])

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(300 * (factor if number >= at else 1)))

    return simple(flow, random, count, work, {("slower", "work")})


@kind
def step_change_early(flow: str, random: Random) -> History:
    count = random.randint(40, 100)
    at = random.randint(5, count // 4)
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", d.noisy(500 if n >= at else 250)),
        {("slower", "work")},
    )


@kind
def change_with_version(flow: str, random: Random) -> History:
    count = random.randint(24, 60)
    at = random.randint(8, count - 6)
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", d.noisy(900 if n >= at else 500)),
        {("slower", "work")},
        versions=lambda number: "v2" if number >= at else "v1",
    )


@kind
def from_nothing(flow: str, random: Random) -> History:
    count = random.randint(40, 80)
    at = random.randint(10, count - 10)
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", d.noisy(60) if n >= at else 0.0),
        {("slower", "work")},
    )


@kind
def slow_drift(flow: str, random: Random) -> History:
    count = random.randint(40, 100)
    total = random.choice([1.0, 2.0])
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", d.noisy(300 * (1 + total * n / count))),
        {("slower", "work")},
    )


@kind
def got_faster(flow: str, random: Random) -> History:
    count = random.randint(20, 60)
    at = random.randint(6, count - 6)
    return simple(flow, random, count, lambda d, n: d.step("work", d.noisy(200 if n >= at else 600)))


@kind
def slow_for_a_while(flow: str, random: Random) -> History:
    count = random.randint(40, 80)
    start = random.randint(8, count - 25)
    end = start + random.randint(5, 12)
    return simple(flow, random, count, lambda d, n: d.step("work", d.noisy(700 if start <= n < end else 300)))


@kind
def small_change(flow: str, random: Random) -> History:
    count = random.randint(20, 60)
    return simple(
        flow, random, count, lambda d, n: d.step("work", d.noisy(300 * (1.07 if n > count // 2 else 1)))
    )


@kind
def microseconds_double(flow: str, random: Random) -> History:
    """Twice as slow, and all of it within what a clock tells."""
    count = random.randint(20, 60)
    return simple(flow, random, count, lambda d, n: d.step("work", 4.0 if n > count // 2 else 2.0))


@kind
def failing_attempts_are_slow(flow: str, random: Random) -> History:
    """It fails after long retries now and then, more often lately: what works is as quick as ever."""
    count = random.randint(40, 60)

    def work(draft: Draft, number: int) -> None:
        bad = random.random() < (0.6 if number > count * 2 // 3 else 0.1)
        if bad:
            draft.step("work", 3000.0, status="error", retries=2)
        else:
            draft.step("work", draft.noisy(200))

    return simple(
        flow,
        random,
        count,
        work,
        {("flaky", "work"), ("useless-retries", "work")},
        may={("failing", "work"), ("useless-retries", "work")},
    )


# outcomes


def broken_from(at: int, count: int) -> Callable[[Draft, int], None]:
    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(200), status="error" if at <= number < count else "success")

    return work


@kind
def failing_since(flow: str, random: Random) -> History:
    count = random.randint(20, 60)
    at = count - random.randint(3, 9)
    return simple(flow, random, count, broken_from(at, count), {("failing", "work")})


@kind
def failing_since_version(flow: str, random: Random) -> History:
    count = random.randint(15, 40)
    at = count - random.randint(3, 6)
    return simple(
        flow,
        random,
        count,
        broken_from(at, count),
        {("failing", "work")},
        versions=lambda number: "v2" if number >= at else "v1",
    )


@kind
def always_failing(flow: str, random: Random) -> History:
    """What stands behind it is never reached."""
    count = random.randint(5, 40)
    return simple(flow, random, count, broken_from(0, count), {("failing", "work")})


@kind
def fixed(flow: str, random: Random) -> History:
    start = random.randint(5, 20)
    end = start + random.randint(3, 9)
    count = end + random.randint(8, 30)
    return simple(flow, random, count, broken_from(start, end))


@kind
def fixed_by_version(flow: str, random: Random) -> History:
    end = random.randint(10, 30)
    count = end + random.randint(10, 30)

    def work(draft: Draft, number: int) -> None:
        bad = number < end and random.random() < 0.4
        draft.step("work", draft.noisy(200), status="error" if bad else "success")

    return simple(flow, random, count, work, versions=lambda number: "v1" if number < end else "v2")


@kind
def flaky(flow: str, random: Random) -> History:
    rate = random.choice([0.1, 0.2, 0.35, 0.5])
    count = random.randint(40, 80)
    bad = set(random.sample(range(count), round(rate * count)))
    bad |= {count - 3}
    bad -= {count - 1, count - 2}

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(200), status="error" if number in bad else "success")

    return simple(flow, random, count, work, {("flaky", "work")})


@kind
def one_failure(flow: str, random: Random) -> History:
    count = random.randint(10, 80)
    bad = random.randrange(count)
    return simple(flow, random, count, broken_from(bad, bad + 1))


@kind
def aborted_runs(flow: str, random: Random) -> History:
    """Somebody pressed Ctrl-C, or stopped after a step."""
    count = random.randint(20, 50)
    odd = set(random.sample(range(count), count // 4))

    def work(draft: Draft, number: int) -> None:
        if number in odd:
            draft.step("work", None, status="incomplete")
            draft.status = "incomplete"
        else:
            draft.step("work", draft.noisy(300))

    return simple(flow, random, count, work)


@kind
def stopped_runs(flow: str, random: Random) -> History:
    """Always run with --stop-after: what stands behind is no dead step."""

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(300))
        draft.status = "stopped"

    return simple(flow, random, random.randint(12, 40), work)


@kind
def loop_items_fail(flow: str, random: Random) -> History:
    """Some items of a loop fail in most runs; it is not broken."""
    count = random.randint(20, 40)

    def make(draft: Draft) -> None:
        each = draft.step("each", 0.0, kind="loop")
        for i in range(20):
            bad = random.random() < 0.08
            draft.step("get", draft.noisy(50), parent=each, iteration=i, status="error" if bad else "success")
        draft.close(each)

    plan = planned(
        flow,
        ("each", {"type": "loop", "waits": False, "concurrency": 1, "carries": True}),
        "each/get",
    )
    return History("", flow, runs(flow, random, count, make, plan), {("flaky", "get")})


# retries


@kind
def retries_never_help(flow: str, random: Random) -> History:
    count = random.randint(40, 60)
    bad = set(random.sample(range(count - 2), count // 4)) | {count - 4}

    def work(draft: Draft, number: int) -> None:
        if number in bad:
            draft.step("work", draft.noisy(900), status="error", retries=2)
        else:
            draft.step("work", draft.noisy(200))

    must = {("useless-retries", "work"), ("flaky", "work")}
    return simple(flow, random, count, work, must)


@kind
def retries_help(flow: str, random: Random) -> History:
    count = random.randint(30, 60)
    part = random.choice([0.25, 0.5, 1.0])
    again = set(random.sample(range(count), round(part * count))) | {count - 2}

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(300 if number in again else 150), retries=int(number in again))

    return simple(flow, random, count, work, {("retried", "work")})


@kind
def retries_of_the_past(flow: str, random: Random) -> History:
    """A rate limit that was lifted."""

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(150), retries=int(number < 15 and number % 2 == 0))

    return simple(flow, random, random.randint(50, 70), work)


# time-outs


@kind
def timeout_near(flow: str, random: Random) -> History:
    return simple(
        flow,
        random,
        random.randint(20, 60),
        lambda d, n: d.step("work", min(d.noisy(880, 0.04), 995.0)),
        {("near-timeout", "work")},
        timeout=1000.0,
    )


@kind
def times_out(flow: str, random: Random) -> History:
    count = random.randint(30, 60)
    bad = set(random.sample(range(count - 2), count // 6)) | {count - 4}

    def work(draft: Draft, number: int) -> None:
        if number in bad:
            draft.step("work", 1000.0, status="timeout")
        else:
            draft.step("work", min(draft.noisy(600, 0.15), 990.0))

    return simple(flow, random, count, work, {("near-timeout", "work")}, timeout=1000.0)


@kind
def throws_its_timeout(flow: str, random: Random) -> History:
    count = random.randint(30, 60)
    bad = set(random.sample(range(count - 2), count // 6)) | {count - 4}

    def work(draft: Draft, number: int) -> None:
        if number in bad:
            draft.step("work", 1000.0, status="error", code="TIMEOUT")
        else:
            draft.step("work", min(draft.noisy(600, 0.15), 990.0))

    return simple(flow, random, count, work, {("near-timeout", "work")}, timeout=1000.0)


@kind
def timeout_far(flow: str, random: Random) -> History:
    return simple(
        flow,
        random,
        random.randint(25, 60),
        lambda d, n: d.step("work", d.noisy(800, 0.2)),
        {("far-timeout", "work")},
        timeout=random.choice([300_000.0, 3_600_000.0]),
    )


@kind
def timeout_fits(flow: str, random: Random) -> History:
    return simple(
        flow,
        random,
        random.randint(10, 60),
        lambda d, n: d.step("work", d.noisy(300, 0.2)),
        timeout=random.choice([1500.0, 3000.0, 10_000.0, 30_000.0]),
    )


# money


def spends(usd: float, model: str) -> Callable[[Draft], None]:
    return lambda draft: draft.step("work", draft.noisy(900), usd=usd, model=model)


@kind
def cost_steady(flow: str, random: Random) -> History:
    return simple(
        flow,
        random,
        random.randint(10, 60),
        lambda d, n: d.step("work", d.noisy(900), usd=0.02 * random.lognormvariate(0, 0.2)),
    )


@kind
def cost_by_model(flow: str, random: Random) -> History:
    count = random.randint(30, 70)
    at = random.randint(5, count - 6)

    def work(draft: Draft, number: int) -> None:
        usd, model = (0.09, "opus") if number >= at else (0.02, "sonnet")
        draft.step("work", draft.noisy(900), usd=usd * random.lognormvariate(0, 0.15), model=model)

    return simple(flow, random, count, work, {("cost-grows", "work")})


@kind
def cost_rises_slowly(flow: str, random: Random) -> History:
    count = random.randint(40, 70)

    def work(draft: Draft, number: int) -> None:
        usd = 0.02 * (1 + 1.5 * number / count) * random.lognormvariate(0, 0.1)
        draft.step("work", draft.noisy(900), usd=usd)

    return simple(flow, random, count, work, {("cost-grows", "work")})


@kind
def money_lost(flow: str, random: Random) -> History:
    count = random.randint(30, 50)
    bad = set(random.sample(range(count - 2), count // 4)) | {count - 4}

    def make(draft: Draft) -> None:
        draft.step("ask", draft.noisy(900), usd=0.05)
        failed = draft.number in bad
        draft.step("save", draft.noisy(90), status="error" if failed else "success")

    plan = chain(flow, "ask", "save")
    must = {("wasted", flow), ("flaky", "save")}
    return History("", flow, runs(flow, random, count, make, plan), must)


@kind
def output_grows(flow: str, random: Random) -> History:
    count = random.randint(40, 70)

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(100), output=int(2000 + 400 * number + random.randint(0, 500)))

    return simple(flow, random, count, work, {("output-grows", "work")})


# what runs and what does not


def branching(taken: Callable[[int], bool]) -> Callable[[Draft], None]:
    def make(draft: Draft) -> None:
        draft.step("fetch", draft.noisy(100))
        either = draft.step("either", 0.0, kind="condition")
        name, side = ("yes", "then") if taken(draft.number) else ("no", "else")
        draft.step(name, draft.noisy(50), parent=either, branch=side)
        draft.close(either)

    return make


def branch_plan(flow: str) -> list:
    quiet = {"type": "condition", "waits": False, "reads": ["fetch"]}
    return planned(
        flow,
        "fetch",
        ("either", quiet),
        ("either/yes", {"branch": "then"}),
        ("either/no", {"branch": "else"}),
    )


@kind
def branch_never_taken(flow: str, random: Random) -> History:
    count = random.randint(12, 60)
    made = runs(flow, random, count, branching(lambda number: True), branch_plan(flow))
    return History("", flow, made, {("dead-step", "no")})


@kind
def branch_seldom_taken(flow: str, random: Random) -> History:
    count = random.randint(12, 60)
    seldom = random.randrange(count)
    made = runs(flow, random, count, branching(lambda number: number != seldom), branch_plan(flow))
    return History("", flow, made, set())


@kind
def branch_in_few_runs(flow: str, random: Random) -> History:
    made = runs(flow, random, random.randint(2, 7), branching(lambda number: True), branch_plan(flow))
    return History("", flow, made, set())


@kind
def never_reached(flow: str, random: Random) -> History:
    """It fails always, in a container, and what stands behind never comes."""
    count = random.randint(8, 40)

    def make(draft: Draft) -> None:
        each = draft.step("call", 0.0, kind="flow")
        draft.step("inner", draft.noisy(100), parent=each, status="error")
        draft.close(each, "error")

    plan = chain(flow, ("call", {"type": "flow"}), "call/inner", "call/after", "last")
    return History("", flow, runs(flow, random, count, make, plan), {("failing", "inner")})


@kind
def always_skipped(flow: str, random: Random) -> History:
    count = random.randint(12, 40)
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", None, status="skipped"),
        {("dead-step", "work")},
    )


@kind
def seldom_skipped(flow: str, random: Random) -> History:
    count = random.randint(12, 40)

    def work(draft: Draft, number: int) -> None:
        skip = random.random() < 0.7 and number
        draft.step("work", None if skip else draft.noisy(200), status="skipped" if skip else "success")

    return simple(flow, random, count, work)


@kind
def skipped_container(flow: str, random: Random) -> History:
    """What is in it is not dead of its own: the container is named, and that alone."""
    count = random.randint(12, 40)
    plan = planned(flow, "fetch", ("work", {"type": "loop", "waits": False}), "work/inner", "send")
    plan[-1].reads = plan[1].reads = ["fetch"]
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", None, kind="loop", status="skipped"),
        {("dead-step", "work")},
        plan=plan,
    )


@kind
def step_added(flow: str, random: Random) -> History:
    """A version brings a step: it has not run in the runs before, and is slow at nothing."""
    at = random.randint(10, 20)
    count = at + random.randint(1, 15)
    before, after = chain(flow, "fetch", "work", "send"), chain(flow, "fetch", "work", "new", "send")

    def make(draft: Draft) -> None:
        new = draft.number >= at
        draft.version, draft.plan = ("v2", after) if new else ("v1", before)
        for name in ("fetch", "work", *(("new",) if new else ()), "send"):
            draft.step(name, draft.noisy(150))

    return History("", flow, runs(flow, random, count, make, []), set())


@kind
def step_removed(flow: str, random: Random) -> History:
    """A step that failed now and then is gone."""
    at = random.randint(20, 30)
    count = at + random.randint(3, 20)
    before, after = chain(flow, "fetch", "work", "send"), chain(flow, "fetch", "send")

    def make(draft: Draft) -> None:
        old = draft.number < at
        draft.version, draft.plan = ("v1", before) if old else ("v2", after)
        draft.step("fetch", draft.noisy(150))
        if old:
            bad = random.random() < 0.3
            draft.step("work", draft.noisy(100), status="error" if bad else "success")
        if draft.status == "success":
            draft.step("send", draft.noisy(80))

    return History("", flow, runs(flow, random, count, make, []), set())


@kind
def imported_without_versions(flow: str, random: Random) -> History:
    """Nothing is known of the flow file: what is said comes of the runs alone."""
    return simple(
        flow,
        random,
        random.randint(10, 50),
        lambda d, n: d.step("work", d.noisy(400)),
        versions=lambda number: None,
    )


@kind
def sub_flow_shared(flow: str, random: Random) -> History:
    """One sub-flow called twice, and one in it: all that is planned has run."""
    count = random.randint(10, 40)

    def make(draft: Draft) -> None:
        for name in ("first", "second"):
            call = draft.step(name, 0.0, kind="flow")
            draft.step("leaf", draft.noisy(60), parent=call)
            deep = draft.step("deep", 0.0, kind="flow", parent=call)
            draft.step("bottom", draft.noisy(40), parent=deep)
            draft.close(deep)
            draft.close(call)

    names = [
        f"{call}{rest}" for call in ("first", "second") for rest in ("", "/leaf", "/deep", "/deep/bottom")
    ]
    plan = planned(
        flow, *[(name, {"type": "flow" if name.endswith(("t", "d", "p")) else "bash"}) for name in names]
    )
    for step in plan:
        step.reads, step.waits = ["*"], False
    return History("", flow, runs(flow, random, count, make, plan), set())


# how it is made


def looped(times: Callable[[Draft], float], *, at_a_time: int = 1) -> Callable[[Draft], None]:
    def make(draft: Draft) -> None:
        each = draft.step("each", 0.0, kind="loop")
        for i in range(12):
            took = times(draft)
            start = None if at_a_time == 1 else float(i // at_a_time * 200)
            draft.step("get", took, kind="action", parent=each, iteration=i, start=start)
        draft.close(each)
        draft.step("sum", 5.0, kind="code")

    return make


def loop_plan(flow: str, **more: object) -> list:
    about = {"type": "loop", "waits": False, "concurrency": 1, **more}
    return planned(
        flow,
        ("each", about),
        ("each/get", {"type": "action"}),
        ("sum", {"type": "code", "waits": False, "reads": ["each"]}),
    )


@kind
def loop_independent(flow: str, random: Random) -> History:
    made = runs(flow, random, random.randint(5, 30), looped(lambda d: d.noisy(150)), loop_plan(flow))
    return History("", flow, made, {("sequential-loop", "each")})


@kind
def loop_dependent(flow: str, random: Random) -> History:
    plan = loop_plan(flow, carries=True)
    made = runs(flow, random, random.randint(5, 30), looped(lambda d: d.noisy(150)), plan)
    return History("", flow, made, set())


@kind
def loop_already_concurrent(flow: str, random: Random) -> History:
    """Its iterations may look as if they came one after the other: there is but one at a time to do."""
    plan = loop_plan(flow, concurrency=5)
    made = runs(flow, random, 20, looped(lambda d: d.noisy(150), at_a_time=random.choice([1, 5])), plan)
    return History("", flow, made, set())


@kind
def loop_of_unknown_body(flow: str, random: Random) -> History:
    """Where the flow file is not known, nobody can say what its iterations need."""

    def make(draft: Draft) -> None:
        draft.version = None
        looped(lambda d: d.noisy(150))(draft)

    return History("", flow, runs(flow, random, 20, make, []), set())


@kind
def loop_of_javascript(flow: str, random: Random) -> History:
    plan = loop_plan(flow)
    plan[1].type, plan[1].waits = "transform", False
    made = runs(flow, random, 20, looped(lambda d: d.noisy(150)), plan)
    return History("", flow, made, set())


@kind
def neighbours_independent(flow: str, random: Random) -> History:
    def make(draft: Draft) -> None:
        draft.step("one", draft.noisy(400), kind="action")
        draft.step("two", draft.noisy(500), kind="action")
        draft.step("join", 5.0, kind="code")

    about = {"type": "code", "waits": False, "reads": ["one", "two"]}
    plan = planned(flow, ("one", {"type": "action"}), ("two", {"type": "action"}), ("join", about))
    made = runs(flow, random, random.randint(5, 30), make, plan)
    return History("", flow, made, {("independent-steps", "one")})


@kind
def concurrent_branches(flow: str, random: Random) -> History:
    """Two branches as long as one another take all of the time, and there is nothing to gain."""

    def make(draft: Draft) -> None:
        both = draft.step("both", 0.0, kind="parallel")
        for name in ("left", "right"):
            draft.step(name, draft.noisy(500, 0.05), parent=both, start=both.start_ms)
        draft.close(both)

    about = {"type": "parallel", "waits": False, "concurrency": 5}
    plan = planned(flow, ("both", about), "both/left", "both/right")
    return History("", flow, runs(flow, random, 25, make, plan), set())


@kind
def uneven_branches(flow: str, random: Random) -> History:
    def make(draft: Draft) -> None:
        both = draft.step("both", 0.0, kind="parallel")
        for name, ms in (("left", 900), ("right", 200)):
            draft.step(name, draft.noisy(ms, 0.05), parent=both, start=both.start_ms)
        draft.close(both)

    about = {"type": "parallel", "waits": False, "concurrency": 5}
    plan = planned(flow, ("both", about), "both/left", "both/right")
    return History("", flow, runs(flow, random, 25, make, plan), {("uneven-parallel", "both")})


@kind
def two_projects(flow: str, random: Random) -> History:
    """A broken flow of the same key in another folder: this one does well."""

    def make(draft: Draft) -> None:
        other = draft.number % 2 == 0 and draft.number < 38
        draft.cwd = "/home/somebody/other" if other else "/home/somebody/project"
        draft.step("fetch", draft.noisy(900 if other else 100))
        draft.step("work", draft.noisy(100), status="error" if other else "success")

    return History("", flow, runs(flow, random, 40, make, chain(flow, "fetch", "work")), set())
