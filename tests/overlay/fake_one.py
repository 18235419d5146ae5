# The text of a host that leaves a record. SPEC, JSON, stands above it:
#   case: a recorded case; print: bytes of filler in one line; exit: the exit code;
#   before, after: statements to run before the record is left and after it;
#   signal: what the process ends itself with.
import json
import os
import sys
from pathlib import Path

spec = json.loads(SPEC)  # noqa: F821
case = Path(spec["case"])
exec(spec.get("before", ""))
for flow in (case / "flows").iterdir() if (case / "flows").exists() else ():
    for file in [flow] if flow.is_file() else [path for path in flow.rglob("*") if path.is_file()]:
        target = Path(".one/flows") / file.relative_to(case / "flows")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: another run of this flow may be traced at this moment.
        part = target.with_name(f"{target.name}.{os.getpid()}")
        part.write_bytes(file.read_bytes())
        part.replace(target)
old, new = None, os.urandom(6).hex()
for folder in ("logs", "runs"):
    for file in (case / folder).iterdir() if (case / folder).exists() else ():
        old = file.name.split(".")[0][-12:]
        data = file.read_bytes().replace(old.encode(), new.encode())
        if folder == "runs":
            state = json.loads(data)
            state["context"]["env"] = dict(os.environ)
            data = json.dumps(state, indent=2, ensure_ascii=False).encode("utf-8", "replace")
        target = Path(".one/flows") / f".{folder}" / file.name.replace(old, new)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
out = sys.stdout.buffer
printed = (case / "stdout.ndjson").read_bytes()
out.write(printed.replace(old.encode(), new.encode()) if old else printed)
out.flush()
if spec.get("print"):
    line = b"x" * (1 << 20)
    for _ in range(spec["print"] >> 20):
        out.write(line)
    out.write(b"\n")
    out.flush()
exec(spec.get("after", ""))
if spec.get("signal"):
    import signal

    signal.signal(spec["signal"], signal.SIG_DFL) if spec["signal"] != 9 else None
    os.kill(os.getpid(), spec["signal"])
sys.exit(spec.get("exit", 0))
