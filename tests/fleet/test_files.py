"""The files of several machines, read together by DuckDB as the topic `fleet` says. It is in no extra."""

from __future__ import annotations

from pathlib import Path

import pytest

from one_trace.analyse.flat_table import write_parquet
from one_trace.cli import topics
from one_trace.history.local import LocalHistory
from one_trace.model.wanted import ALL
from one_trace.store import Store
from tests.fleet import many

pytestmark = pytest.mark.fleet


def test_the_query_of_the_topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow.parquet")
    for name, made in (("a", list(many.runs(4))), ("b", list(many.runs(9))[4:])):
        with Store(tmp_path / name / "traces.db") as store, (tmp_path / f"{name}.parquet").open("wb") as file:
            for each in made:
                store.save(each)
            write_parquet(LocalHistory(store).span_rows(ALL), file)
    monkeypatch.chdir(tmp_path)
    (sql,) = [block for block in topics.page("fleet").split("```sql\n")[1:] if "read_parquet" in block]
    rows = duckdb.sql(sql.split("```")[0]).fetchall()
    spans = sum(len(each.trace.spans) for each in many.runs(9))
    assert sum(row[2] for row in rows) == spans
    assert {row[0] for row in rows} == {f"flow-{number}" for number in range(5)}
