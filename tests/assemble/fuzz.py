"""Coverage-guided damage, by hand: ``pip install atheris``, then ``python -m tests.assemble.fuzz``.

The bytes stand for the log or the state of a recorded run. Whatever they are, assembling must end and not
throw, and parents must come before their children. ``-max_total_time=300`` ends it after five minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["one_trace"]):
    from one_trace.assemble import assemble
    from one_trace.errors import RecordTrouble
    from one_trace.record import RunFiles, read

from tests.assemble.recorded import lay_out

CASES = (
    "12-parallel-containers",
    "18-three-level",
    "24b-timeout-ghost-after-result",
    "49-resume-failed",
    "56-loop-conc-fail",
)


def main() -> None:
    root = Path(tempfile.mkdtemp(prefix="one-trace-fuzz-"))
    corpus = root / "corpus"
    corpus.mkdir()
    runs = [lay_out(case, root / case)[0] for case in CASES]
    for number, files in enumerate(runs):
        assert files.log is not None
        assert files.state is not None
        (corpus / files.flow_key).write_bytes(bytes([number, 0]) + files.log.read_bytes())
        (corpus / f"{files.flow_key}-state").write_bytes(bytes([number, 1]) + files.state.read_bytes())

    def one(data: bytes) -> None:
        if len(data) < 2:
            return
        files = runs[data[0] % len(runs)]
        damaged = root / "damaged"
        damaged.write_bytes(data[2:])
        log, state = (damaged, files.state) if data[1] % 2 == 0 else (files.log, damaged)
        check(
            RunFiles(
                project=files.project, flow_key=files.flow_key, run_id=files.run_id, log=log, state=state
            )
        )

    atheris.Setup([*sys.argv, str(corpus)], one)
    atheris.Fuzz()


def check(files: RunFiles) -> None:
    try:
        trace = assemble(read(files)).trace
    except RecordTrouble:
        return
    seen: set[str] = set()
    for span in trace.spans:
        assert span.parent_span_id is None or span.parent_span_id in seen
        seen.add(span.span_id)


if __name__ == "__main__":
    main()
