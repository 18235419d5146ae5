"""Histories in which the cause is harder to see, or only seems to be there."""

from __future__ import annotations

from random import Random

from tests.findings.histories import Draft, History, chain, planned, runs
from tests.findings.kinds import kind, simple


@kind
def busy_machine(flow: str, random: Random) -> History:
    """Times that depend on those before: a load that wanders, and is nobody's change."""
    load = [0.0]

    def work(draft: Draft, number: int) -> None:
        load[0] = 0.5 * load[0] + random.gauss(0, 0.12)
        draft.step("work", round(400 * 2.718 ** load[0]))

    return simple(flow, random, random.randint(20, 80), work)


@kind
def many_outliers(flow: str, random: Random) -> History:
    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(300) * (10 if random.random() < 0.06 else 1))

    return simple(flow, random, random.randint(20, 80), work)


@kind
def weekends(flow: str, random: Random) -> History:
    return simple(
        flow,
        random,
        random.randint(28, 70),
        lambda d, n: d.step("work", d.noisy(250 if n % 7 > 4 else 400)),
    )


@kind
def noisy_change(flow: str, random: Random) -> History:
    count = random.randint(40, 90)
    at = random.randint(12, count - 12)
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", d.noisy(600 if n >= at else 300, 0.35)),
        {("slower", "work")},
    )


@kind
def late_change(flow: str, random: Random) -> History:
    count = random.randint(50, 90)
    at = count - random.randint(4, 6)
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", d.noisy(800 if n >= at else 300)),
        {("slower", "work")},
    )


@kind
def two_changes(flow: str, random: Random) -> History:
    """Slower, and slower again."""
    count = random.randint(45, 90)
    return simple(
        flow,
        random,
        count,
        lambda d, n: d.step("work", d.noisy(200 * (1 + 3 * n // count))),
        {("slower", "work")},
    )


@kind
def modes_shift(flow: str, random: Random) -> History:
    """A cache that hits seldom since: what is usual is slow now."""
    count = random.randint(50, 90)
    at = random.randint(20, count - 20)

    def work(draft: Draft, number: int) -> None:
        miss = random.random() < (0.9 if number >= at else 0.1)
        draft.step("work", draft.noisy(900 if miss else 100))

    return simple(flow, random, count, work, {("slower", "work")})


@kind
def more_items(flow: str, random: Random) -> History:
    """A loop over more and more items, each as quick as ever."""
    count = random.randint(30, 60)

    def make(draft: Draft) -> None:
        each = draft.step("each", 0.0, kind="loop")
        for i in range(3 + draft.number // 6):
            draft.step("get", draft.noisy(100), parent=each, iteration=i, output=100)
        draft.close(each)

    plan = planned(flow, ("each", {"type": "loop", "waits": False, "carries": True}), "each/get")
    may = {("output-grows", "get")}
    return History("", flow, runs(flow, random, count, make, plan), set(), may)


@kind
def slower_loop_body(flow: str, random: Random) -> History:
    count = random.randint(30, 60)
    at = random.randint(10, count - 8)

    def make(draft: Draft) -> None:
        each = draft.step("each", 0.0, kind="loop")
        for i in range(random.randint(2, 9)):
            draft.step("get", draft.noisy(200 if draft.number >= at else 100), parent=each, iteration=i)
        draft.close(each)

    plan = planned(flow, ("each", {"type": "loop", "waits": False, "carries": True}), "each/get")
    return History("", flow, runs(flow, random, count, make, plan), {("slower", "get")})


@kind
def two_in_a_row(flow: str, random: Random) -> History:
    """The last two runs failed: too few to call it broken, too many in a row for chance to be told."""
    count = random.randint(15, 60)

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(200), status="error" if number >= count - 2 else "success")

    return simple(flow, random, count, work)


@kind
def broken_again(flow: str, random: Random) -> History:
    """It was broken, was fixed, and is broken again."""
    start, end = 10, 10 + random.randint(3, 6)
    at = end + random.randint(10, 25)
    count = at + random.randint(4, 8)

    def work(draft: Draft, number: int) -> None:
        bad = start <= number < end or number >= at
        draft.step("work", draft.noisy(200), status="error" if bad else "success")

    return simple(flow, random, count, work, {("failing", "work")})


@kind
def flaky_since_version(flow: str, random: Random) -> History:
    at = random.randint(20, 40)
    count = at + random.randint(25, 40)
    bad = {number for number in range(at, count - 1) if random.random() < 0.3} | {at + 1, at + 9, count - 3}
    bad -= {count - 2, at + 2, at + 8}

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(200), status="error" if number in bad else "success")

    return simple(
        flow,
        random,
        count,
        work,
        {("flaky", "work")},
        versions=lambda number: "v1" if number < at else "v2",
    )


@kind
def many_versions(flow: str, random: Random) -> History:
    """An agent edits the flow every few runs, and all is well."""
    return simple(
        flow,
        random,
        random.randint(20, 60),
        lambda d, n: d.step("work", d.noisy(300)),
        versions=lambda number: f"v{number // 4}",
    )


@kind
def fails_and_goes_on(flow: str, random: Random) -> History:
    """A step that may fail (continue), and is broken since."""
    count = random.randint(20, 50)
    at = count - random.randint(4, 9)

    def make(draft: Draft) -> None:
        draft.step("fetch", draft.noisy(100))
        draft.step("extra", draft.noisy(50), status="error" if draft.number >= at else "success")
        draft.status = "success"
        draft.step("send", draft.noisy(80))

    plan = chain(flow, "fetch", "extra", "send")
    return History("", flow, runs(flow, random, count, make, plan), {("failing", "extra")})


@kind
def one_of_two_calls_fails(flow: str, random: Random) -> History:
    """A sub-flow called twice fails in one of its places."""
    count = random.randint(15, 40)
    at = count - random.randint(4, 8)

    def make(draft: Draft) -> None:
        for name in ("first", "second"):
            call = draft.step(name, 0.0, kind="flow")
            bad = name == "second" and draft.number >= at
            draft.step("leaf", draft.noisy(60), parent=call, status="error" if bad else "success")
            draft.close(call, "error" if bad else "success")
        if draft.status == "success":
            draft.step("last", 5.0)

    plan = chain(
        flow, ("first", {"type": "flow"}), "first/leaf", ("second", {"type": "flow"}), "second/leaf", "last"
    )
    return History("", flow, runs(flow, random, count, make, plan), {("failing", "leaf")})


@kind
def seldom_run_and_broken(flow: str, random: Random) -> History:
    """In a branch that is taken every third time, and broken there since."""
    count = random.randint(45, 60)
    at = count - 16

    def make(draft: Draft) -> None:
        either = draft.step("either", 0.0, kind="condition")
        name, side = ("rare", "then") if draft.number % 3 == 0 else ("usual", "else")
        bad = name == "rare" and draft.number >= at
        draft.step(name, draft.noisy(60), parent=either, branch=side, status="error" if bad else "success")
        draft.close(either, "error" if bad else "success")

    plan = planned(
        flow,
        ("either", {"type": "condition", "waits": False}),
        ("either/rare", {"branch": "then"}),
        ("either/usual", {"branch": "else"}),
    )
    return History("", flow, runs(flow, random, count, make, plan), {("failing", "rare")})


@kind
def refused(flow: str, random: Random) -> History:
    """The last runs failed for want of an input: no step ran."""
    count = random.randint(15, 30)

    def make(draft: Draft) -> None:
        if draft.number >= count - 4:
            draft.status = "error"
        else:
            draft.step("work", draft.noisy(100))

    return History("", flow, runs(flow, random, count, make, chain(flow, "work")), {("failing", flow)})


@kind
def error_handler(flow: str, random: Random) -> History:
    """A failing step, and what stands behind it in each run that does not fail is reached."""
    count = random.randint(12, 40)

    def make(draft: Draft) -> None:
        draft.step("work", draft.noisy(100))
        check = draft.step("check", 0.0, kind="condition")
        draft.step("fine", draft.noisy(5), parent=check, branch="else")
        draft.close(check)

    plan = planned(
        flow,
        "work",
        ("check", {"type": "condition", "waits": False, "reads": ["work"]}),
        ("check/alarm", {"branch": "then"}),
        ("check/fine", {"branch": "else"}),
    )
    return History("", flow, runs(flow, random, count, make, plan), {("dead-step", "alarm")})


@kind
def cheaper(flow: str, random: Random) -> History:
    count = random.randint(20, 50)
    at = random.randint(8, count - 8)

    def work(draft: Draft, number: int) -> None:
        usd = 0.02 if number >= at else 0.09
        draft.step("work", draft.noisy(900), usd=usd * random.lognormvariate(0, 0.1))

    return simple(flow, random, count, work)


@kind
def cost_varies(flow: str, random: Random) -> History:
    """Prompts of all sizes."""

    def work(draft: Draft, number: int) -> None:
        draft.step("work", draft.noisy(900, 0.5), usd=0.02 * random.lognormvariate(0, 0.8))

    return simple(flow, random, random.randint(20, 70), work)


@kind
def timeout_raised(flow: str, random: Random) -> History:
    """It timed out, until a version gave it the time that it needs."""
    at = random.randint(15, 25)
    count = at + random.randint(12, 25)

    def make(draft: Draft) -> None:
        old = draft.number < at
        limit = 1000.0 if old else 5000.0
        draft.version = "v1" if old else "v2"
        draft.plan = chain(flow, ("work", {"timeout_ms": limit}))
        took = draft.noisy(900, 0.3)
        draft.step("work", min(took, limit), status="timeout" if took > limit else "success")

    return History("", flow, runs(flow, random, count, make, []), set())


@kind
def hangs_sometimes(flow: str, random: Random) -> History:
    """It is quick, or never comes back: more time would not help."""
    count = random.randint(40, 60)
    bad = set(random.sample(range(count - 2), count // 6)) | {count - 4}

    def work(draft: Draft, number: int) -> None:
        hung = number in bad
        draft.step("work", 30_000.0 if hung else draft.noisy(200), status="timeout" if hung else "success")

    return simple(flow, random, count, work, {("near-timeout", "work")}, timeout=30_000.0)


@kind
def concurrent_loop_takes_all(flow: str, random: Random) -> History:
    """Five iterations at a time: their times add up to five times the flow's."""

    def make(draft: Draft) -> None:
        each = draft.step("each", 0.0, kind="loop")
        for i in range(20):
            draft.step("get", draft.noisy(180, 0.05), parent=each, iteration=i, start=i // 5 * 220.0)
        draft.close(each)

    plan = planned(flow, ("each", {"type": "loop", "waits": False, "concurrency": 5}), "each/get")
    return History("", flow, runs(flow, random, 20, make, plan), set())


@kind
def inner_runs(flow: str, random: Random) -> History:
    """Runs that another flow started, beside those of a user."""

    def make(draft: Draft) -> None:
        draft.parent_run_id = "00000000000a" if draft.number % 2 else None
        draft.step("work", draft.noisy(200))

    return History("", flow, runs(flow, random, 30, make, chain(flow, "work")), set())


@kind
def neighbours_dependent(flow: str, random: Random) -> History:
    def make(draft: Draft) -> None:
        for name in ("one", "two", "three"):
            draft.step(name, draft.noisy(400))

    return History("", flow, runs(flow, random, 20, make, chain(flow, "one", "two", "three")), set())


@kind
def renamed_step(flow: str, random: Random) -> History:
    """A version calls a step otherwise: the old one is no dead step, the new one not a new problem."""
    at = random.randint(12, 25)
    count = at + random.randint(11, 25)

    def make(draft: Draft) -> None:
        old = draft.number < at
        draft.version = "v1" if old else "v2"
        name = "work" if old else "labour"
        draft.plan = chain(flow, "fetch", name)
        draft.step("fetch", draft.noisy(100))
        draft.step(name, draft.noisy(200))

    return History("", flow, runs(flow, random, count, make, []), set())
