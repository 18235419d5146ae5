"""Fixtures of the tests of delivery."""

from __future__ import annotations

import pytest
from machine import Machine
from traces_server import FakeTracesServer


@pytest.fixture
def sending(machine: Machine, traces_server: FakeTracesServer) -> Machine:
    """A machine that delivers to `traces_server`, and whose host leaves a recorded run."""
    machine.deliver_to(traces_server)
    machine.player("22-skips")
    return machine
