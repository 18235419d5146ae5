"""The table of sinks."""

from __future__ import annotations

from importlib import import_module

import pytest

from one_trace.deliver import sinks
from one_trace.settings import keys
from one_trace.settings.sources import load


def test_the_table_has_the_sinks_of_the_settings() -> None:
    assert tuple(sinks.SINKS) == keys.SINKS


@pytest.mark.parametrize("name", keys.SINKS)
def test_a_sink_is_a_module_that_makes_it(name: str) -> None:
    assert callable(import_module(f"one_trace.deliver.{sinks.SINKS[name].module}").make)


def test_a_sink_that_lacks_something_is_not_ready_and_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TRACES_API_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("ONE_TRACES_SINKS", "otlp")
    settings = load()
    assert sinks.ready(settings) == []
    assert "traces.otlp_endpoint" in (sinks.why_not_ready(settings).hint or "")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert sinks.ready(settings) == ["otlp"]
