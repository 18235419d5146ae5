"""Rows of ClickHouse read into histories: binary columns, and runs that go while they are read."""

from __future__ import annotations

import struct
from array import array

import pytest

from one_trace.analyse.history import Series
from one_trace.errors import CliError, NetworkError
from one_trace.history.clickhouse.histories import _forget, steps_of
from one_trace.history.clickhouse.row_binary import RowBinary


def rows(data: bytes) -> RowBinary:
    return RowBinary(data, lambda: NetworkError("half an answer"))


def test_binary_columns() -> None:
    long = "ä" * 100
    data = (
        bytes([0xC8, 0x01])
        + long.encode()
        + struct.pack("<Qd", 7, 0.5)
        + b"\x02"
        + struct.pack("<dd", 1.5, 2.5)
        + b"\x01"
        + struct.pack("<I", 9)
        + b"\x02abcd"
    )
    table = rows(data)
    assert (table.text(), table.number(), table.real()) == (long, 7, 0.5)
    assert (table.reals(), table.numbers()) == (array("d", [1.5, 2.5]), array("I", [9]))
    assert table.fixed(2) == [b"ab", b"cd"]
    assert table.ended


@pytest.mark.parametrize("data", [b"", b"\x80" * 12, b"\xff\xff\xff\xff\x7fx", b"\x03ab"])
def test_a_column_that_ends_too_early_is_reported(data: bytes) -> None:
    with pytest.raises(CliError, match="half an answer"):
        rows(data).text()


def test_runs_that_were_deleted_meanwhile_are_left_out() -> None:
    series = Series(
        runs=[0, -1, 2],
        durations=[b"a", b"b", None],
        mean_ms=[1.0, 2.0, None],
        output_bytes=[1, 2, 3],
        cost_usd=[None, 2.0, 3.0],
    )
    _forget(series)
    assert series == Series(
        runs=[0, 2], durations=[b"a", None], mean_ms=[1.0, None], output_bytes=[1, 3], cost_usd=[None, 3.0]
    )


@pytest.mark.parametrize("plan", ["", "{", '{"path": 1}', '[{"path": "a"}]'])
def test_a_plan_that_cannot_be_read_is_none(plan: str) -> None:
    assert steps_of(plan) == []
