"""The order of events in concurrent branches is that of the real One CLI, where ONE_CLI names it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.machine import Machine
from tests.runner.random_flows import Maker

SEEDS = range(4)


def events(machine: Machine) -> list[tuple[Any, ...]]:
    done = machine.one("--agent", "flow", "execute", "main", "--allow-bash", "--no-trace")
    assert done.code == 0, done.out
    fields = ("event", "stepId", "flowKey", "status", "error")
    return [tuple(map(json.loads(line).get, fields)) for line in done.out.splitlines()]


@pytest.mark.parametrize("seed", SEEDS)
def test_concurrent_branches_go_in_the_hosts_order(real_one: Machine, seed: int) -> None:
    for made in Maker(seed).flows():
        real_one.write(real_one.project / f".one/flows/{made['key']}/flow.json", json.dumps(made))
    host = events(real_one)
    real_one.env["ONE_TRACE_HOST"] = "built-in"
    real_one.with_node()
    assert events(real_one) == host
