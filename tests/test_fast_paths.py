"""No fast path imports more than is listed in fast_paths.txt."""

from __future__ import annotations

import pytest
from machine import Machine

from tests.fast_paths import PATHS, imported, listed

NEVER = {"pydantic", "pydantic_settings", "rich", "httpx", "opentelemetry", "pyarrow"}


@pytest.mark.parametrize("name", PATHS)
def test_a_fast_path_imports_the_modules_that_are_listed(machine: Machine, name: str) -> None:
    machine.player("02-linear-unicode")
    machine.one("--agent", "flow", "execute", "k", "--trace")
    assert imported(machine, name) == listed()[name], "if that is right: python -m tests.fast_paths"


def test_no_fast_path_lists_an_expensive_package() -> None:
    for name, modules in listed().items():
        assert NEVER.isdisjoint(modules), name
        assert "click" not in modules or name == "trace show"
