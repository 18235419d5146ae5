"""What the store is asked, against what one counts by hand from the runs that were saved."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from made import START_MS, USAGE, assembly, span
from msgspec import UNSET

from one_trace.analyse import cost, flat_table, insights, run_refs, stats
from one_trace.analyse.history import FlowHistory
from one_trace.errors import CliError, NoSuchRun
from one_trace.history import profiles
from one_trace.history.local import LocalHistory
from one_trace.model.trace import Assembly, Usage
from one_trace.model.wanted import Wanted
from one_trace.store import Store

HOUR = 3_600_000


def run(
    number: int, *, flow: str = "my-flow", ms: float = 100.0, version: str = "v1", **fields: object
) -> Assembly:
    """A run of `first` (two iterations in `each`) that begins `number` hours after the first one."""
    each = span("each", flow=flow, type="loop", duration_ms=ms)
    inner = [
        span("first", each, flow=flow, iteration=place, duration_ms=ms / 2, output_bytes=10)
        for place in (0, 1)
    ]
    last = span("second", flow=flow, status=fields.pop("second", "success"), duration_ms=5.0)
    spans = [each, *inner, last]
    start = START_MS + number * HOUR
    made = assembly(f"{number:011x}a", spans, flow_key=flow, duration_ms=ms, start=start, **fields)
    made.flow_version = version
    made.static_paths = [f"{flow} > each", f"{flow} > each > first", f"{flow} > second", f"{flow} > never"]
    made.step_timeouts = {f"{flow} > second": 50.0}
    return made


@pytest.fixture
def store(tmp_path: Path):
    with Store(tmp_path / "data" / "traces.db") as opened:
        yield opened


def test_a_history_counts_spans_by_step_and_version(store: Store) -> None:
    store.save(run(2, version="v2", second="error"))
    store.save(run(0))
    store.save(run(1, second="timeout"))
    store.save(run(9, flow="other"))
    (found,) = LocalHistory(store).histories(Wanted("my-flow"))
    assert [one.run_id[10:] for one in found.runs] == ["0a", "1a", "2a"]
    assert (found.version, found.timeouts) == ("v2", {"my-flow > second": 50.0})
    steps = {step.path: step for step in found.steps}
    first, second = steps["my-flow > each > first"].total(), steps["my-flow > second"]
    assert (first.runs, first.spans, first.success, first.total_ms) == (3, 6, 6, 300)
    versions = {counts.version: (counts.success, counts.timeout, counts.error) for counts in second.versions}
    assert versions == {"v1": (1, 1, 0), "v2": (0, 0, 1)}
    assert second.series.runs == [0, 1, 2]
    assert steps["my-flow > each"].series.output_bytes == [None] * 3
    assert len(steps["my-flow > each > first"].series.durations[0] or b"") == 17


def test_since_leaves_out_what_was_before(store: Store) -> None:
    for number in range(4):
        store.save(run(number))
    scope = Wanted(since=START_MS + 2 * HOUR)
    reported = stats.document(LocalHistory(store).histories(scope), flow=None, since=None)
    assert reported.runs == 2
    assert {step.path: step.count for step in reported.flows[0].steps}["my-flow > each > first"] == 4


def test_a_renamed_step_is_one_step(store: Store) -> None:
    store.save(assembly("00000000000a", [span("s", name="Old", type="code")]))
    store.save(assembly("00000000000b", [span("s", name="New", type="bash")], start=START_MS + HOUR))
    (found,) = LocalHistory(store).histories(Wanted())
    (step,) = found.steps
    assert (step.type, step.total().spans, len(step.versions)) == ("bash", 2, 1)


def test_an_empty_store_has_no_history(store: Store) -> None:
    assert LocalHistory(store).histories(Wanted()) == []
    assert list(LocalHistory(store).span_rows(Wanted())) == []
    assert LocalHistory(store).calls(Wanted()) == (0, [], [])


def test_insights_name_codes_and_runs_of_failures(store: Store) -> None:
    for number in range(9):
        bad = [span("s", status="error", error_code="E1")] if number in (2, 7) else [span("s")]
        store.save(assembly(f"{number:011x}a", bad, start=START_MS + number * HOUR))
    reported = profiles.findings(LocalHistory(store), Wanted("my-flow"), since=None)
    (flaky,) = (finding for finding in reported.findings if finding.rule == "flaky")
    assert flaky.evidence["errorCodes"] == {"E1": 2}
    assert flaky.evidence["runIds"] == ["00000000007a", "00000000002a"]


def test_an_overview_is_of_the_last_runs_of_each_flow_unless_since_is_given(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not take longer the longer the history is: 100,000 runs took 13 s."""
    monkeypatch.setattr(insights, "OVERVIEW_LAST", 4)
    for number in range(10):
        for place, (flow, cwd) in enumerate((("my-flow", "/a"), ("my-flow", "/b"), ("other", "/a"))):
            made = [span("s", flow=flow)]
            at = START_MS + number * HOUR
            store.save(assembly(f"{number:010x}0{place}", made, flow_key=flow, start=at, cwd=cwd))
    history = LocalHistory(store)
    read: list[int] = []
    histories = history.histories

    def counted(wanted: Wanted, *, models: bool = False) -> list[FlowHistory]:
        found = histories(wanted, models=models)
        read.extend(len(step.series.runs) for flow in found for step in flow.steps)
        assert {run.run_id[9] for flow in found for run in flow.runs} == set("6789")
        return found

    monkeypatch.setattr(history, "histories", counted)
    found = profiles.overview(history, Wanted(), since=None)
    assert (found.runs, found.quiet, found.last_runs) == (12, 3, 4)
    assert read == [4, 4, 4]
    monkeypatch.undo()
    found = profiles.overview(history, Wanted(since=0), since="then")
    assert (found.runs, found.quiet, found.last_runs) == (30, 3, UNSET)


def test_insights_without_runs_in_scope_are_none(store: Store) -> None:
    store.save(run(0))
    scope = Wanted("my-flow", since=START_MS + HOUR)
    assert profiles.findings(LocalHistory(store), scope, since=None).findings == []


def test_the_past_is_what_succeeded_before(store: Store) -> None:
    for number in range(5):
        store.save(run(number, ms=100.0 + number, status="error" if number == 1 else "success"))
    known = LocalHistory(store).past(
        store.trace("00000000003a").run, exclude=[store.trace("00000000000a").run]
    )
    assert known.runs == [102]
    assert known.steps["each > first"][0].count == 2
    assert known.steps["each > first"][0].duration_ms == 102


def test_selectors_of_runs(store: Store) -> None:
    for number, ms, status in (
        (0, 50, "error"),
        (1, 300, "success"),
        (2, 100, "success"),
        (3, 200, "success"),
    ):
        store.save(run(number, ms=ms, status=status))
    named = {name: LocalHistory(store).find(f"my-flow@{name}")[10:] for name in run_refs.SELECTORS}
    assert named == {"last": "3a", "prev": "2a", "failed": "0a", "best": "2a", "worst": "1a"}
    assert LocalHistory(store).find("last")[10:] == "3a"


@pytest.mark.parametrize("ref", ["my-flow@prev", "my-flow@quickest", "other@last", "@last", "nothing"])
def test_words_for_no_run(store: Store, ref: str) -> None:
    store.save(run(0))
    with pytest.raises(NoSuchRun):
        LocalHistory(store).find(ref)


def call(step: str, model: str, usd: float | None, **fields: object):
    usage = Usage(input_tokens=100, output_tokens=10, cost_usd=usd, turns=1, models=[model] if model else [])
    return span(step, fields.pop("parent", None), usage=usage, type="bash", **fields)


def reported(store: Store) -> cost.CostDocument:
    scope = Wanted()
    calls = LocalHistory(store).calls(scope)
    return cost.document(calls.usages, runs=calls.runs, flow=None, since=None)


def test_cost_by_flow_step_model_and_day(store: Store) -> None:
    store.save(assembly("00000000000a", [call("a", "m1", 0.5), call("a", "m2", 0.25), call("b", "m1", 0.25)]))
    store.save(
        assembly("00000000000b", [call("a", "m1", None)], flow_key="other", start=START_MS + 24 * HOUR)
    )
    store.save(assembly("00000000000c", [span("plain")], start=START_MS + 25 * HOUR))
    document = reported(store)
    assert (document.runs, document.total.calls, document.total.cost_usd) == (3, 4, 1.0)
    assert [(one.key, one.cost_usd) for one in document.flows] == [("my-flow", 1.0), ("other", None)]
    assert [(one.key, one.share) for one in document.models] == [("m1", 0.75), ("m2", 0.25)]
    assert [(one.key, one.calls) for one in document.steps][:2] == [("my-flow > a", 2), ("my-flow > b", 1)]
    assert [(one.key[8:], one.input_tokens) for one in document.days] == [("06", 300), ("07", 100)]


def test_several_models_of_one_call_stand_together(store: Store) -> None:
    both = Usage(cost_usd=1.0, models=["m1", "m2"])
    store.save(assembly("00000000000a", [span("a", usage=both), span("b", usage=Usage(cost_usd=0.5))]))
    assert [one.key for one in reported(store).models] == ["m1 + m2", "unknown"]


def test_what_was_for_nothing(store: Store) -> None:
    loop = span("each", type="loop", attempts=2, retries=1)
    inner = span("if", loop, type="condition", parent_attempt=1)
    lost = [
        call("a", "m", 1.0, parent=loop, parent_attempt=1),
        inner,
        call("b", "m", 2.0, parent=inner, parent_attempt=1),
    ]
    kept = [call("a", "m", 4.0, parent=loop, parent_attempt=2, retries=2, attempts=3)]
    store.save(assembly("00000000000a", [loop, *lost, *kept], usage=USAGE))
    store.save(assembly("00000000000b", [call("a", "m", 8.0)], status="error", usage=USAGE))
    waste = reported(store).waste
    assert (waste.given_up.cost_usd, waste.given_up.calls) == (3.0, 2)
    assert (waste.failed_runs.cost_usd, waste.failed_runs.runs) == (8.0, 1)
    assert (waste.retries, waste.retries_usd) == (2, 8.0)


def test_the_whole_history_as_a_table(store: Store) -> None:
    store.save(assembly("00000000000a", [call("a", "m", 0.5, name='tricky, "name"\n')]))
    store.save(run(1))
    file = io.BytesIO()
    assert flat_table.write_csv(LocalHistory(store).span_rows(Wanted()), file) == 5
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert (rows[0]["name"], rows[0]["cost_usd"], rows[0]["input_tokens"]) == (
        'tricky, "name" ',
        "0.5",
        "100",
    )
    assert [row["step"] for row in rows[1:]].count("my-flow > each > first") == 2
    assert {row["path"] for row in rows} >= {"my-flow > each[1] > first"}


def test_parquet_holds_the_same_as_csv(store: Store, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for number in range(3):
        store.save(run(number))
    target = tmp_path / "history.parquet"
    with target.open("wb") as file:
        assert flat_table.write_parquet(LocalHistory(store).span_rows(Wanted()), file) == 12
    table = parquet.read_table(target)
    assert table.column_names == list(flat_table.COLUMNS)
    rows = [tuple(row.values()) for row in table.to_pylist()]
    assert rows == list(LocalHistory(store).span_rows(Wanted()))


def test_without_pyarrow_the_command_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(CliError) as caught:
        flat_table.check_parquet()
    assert "pip install 'one-trace[parquet]'" in (caught.value.hint or "")


TEXTS = [
    "",
    "a",
    'say "no"',
    "a,b",
    "a\nb\r",
    "\x1b[0m",
    "=1+1",
    " -x",
    "ü" * 2000,
    "p > " * 600,
    "p > " * 600 + "\x07,",
]


def test_csv_is_what_the_csv_module_writes() -> None:
    """Which looks at each character by itself: it is not used."""
    rows = [(text, None, 1, 0.1, 1e22, f"{text}{text}") for text in TEXTS]
    file, expected = io.BytesIO(), io.StringIO()
    flat_table.write_csv(iter(rows), file)
    cleaned = [[flat_table.cell(value) if isinstance(value, str) else value for value in row] for row in rows]
    csv.writer(expected, lineterminator="\n").writerows([flat_table.COLUMNS, *cleaned])
    assert file.getvalue().decode() == expected.getvalue()
