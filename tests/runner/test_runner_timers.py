"""The order in which timers of steps fire on a slow machine: never early."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import one_trace.runner

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")

TIMERS = Path(one_trace.runner.__file__).parent / "js" / "timers.cjs"
HEAD = """
const timers = await import(FILE);
const told = [];
const began = performance.now();
const busy = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
const say = (word) => told.push([word, performance.now() - began]);
const step = (turn, at, word, ms) => {
  timers.during(turn, at);
  const timer = setTimeout(say, ms, word);
  timers.over();
  return timer;
};
process.on("exit", () => console.log(JSON.stringify(told)));
"""


def logged(script: str) -> list[Any]:
    program = HEAD.replace("FILE", json.dumps(TIMERS.as_uri())) + script
    command = ["node", "--input-type=module", "-e", program]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    found: list[Any] = json.loads(done.stdout)
    return found


def words(script: str) -> list[str]:
    return [word for word, _ in logged(script)]


def test_timers_of_one_turn_fire_by_delay() -> None:
    found = logged("step(1, null, 'thirty', 30); busy(20); step(1, null, 'twenty', 20);")
    assert [word for word, _ in found] == ["twenty", "thirty"]
    assert all(at >= 39 for _, at in found)  # none fires early


def test_each_turn_has_its_own_ideal_time() -> None:
    assert words("step(1, null, 'thirty', 30); busy(20); step(2, null, 'twenty', 20);")[0] == "thirty"


def test_timers_due_together_fire_in_the_order_they_were_set() -> None:
    script = "step(1, null, 'a', 30); busy(3); step(1, null, 'b', 30); busy(3); step(1, null, 'c', 30);"
    assert words(script) == ["a", "b", "c"]


def test_a_delayed_timer_can_be_cleared_and_does_not_wait_for_cleared_ones() -> None:
    script = """
    const kept = step(1, null, 'kept', 5); busy(20); const first = step(1, null, 'first', 4);
    setImmediate(() => clearTimeout(first));
    """
    assert words(script) == ["kept"]
    assert words("const t = step(1, null, 'x', 5); clearTimeout(Number(t)); step(1, null, 'y', 5);") == ["y"]


def test_no_timer_waits_long_for_a_late_one() -> None:
    found = dict(logged("step(1, null, 'soon', 1); busy(30); step(1, performance.now(), 'late', 900);"))
    assert found["soon"] < 500


def test_a_timer_can_be_set_again_and_lets_the_process_end() -> None:
    again = "let n = 0; const t = setTimeout(() => { say('again'); if (!n++) t.refresh(); }, 2);"
    assert words(again) == ["again", "again"]
    assert words("setTimeout(say, 60000, 'never').unref();") == []


def test_timers_otherwise_behave_like_nodes() -> None:
    script = """
    import { promisify } from 'node:util';
    await promisify(setTimeout)(1); say('promised');
    try { setTimeout(5, 1); } catch (error) { say(error.code); }
    setTimeout((...all) => say(all.join('')), 1, 'a', 'b');
    """
    assert words(script) == ["promised", "ERR_INVALID_ARG_TYPE", "ab"]
