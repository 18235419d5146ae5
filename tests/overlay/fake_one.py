# ruff: noqa: F401, F821, PTH103, PTH105, PTH120, PTH123
# The text of a host that leaves a record. It imports little, as it is started over a thousand times.
# Above stand
#   FLOWS: files and their paths among the flows; OLD: the recorded run's id, if any;
#   RECORD: files of the log and state, and their paths; where a state says ENV, it has the environment;
#   PRINTED: the file of what is printed;
# and SPEC:
#   print: bytes of filler in one line; exit: the exit code;
#   before, after: statements to run before the record is left and after it;
#   signal: what the process ends itself with.
import os
import sys
from _json import encode_basestring  # json itself imports six other modules

ENV = b'"the environment"'
if SPEC.keys() & {"before", "after"}:
    import json
    from pathlib import Path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


exec(SPEC.get("before", ""))
for source, target in FLOWS:
    # Whole or not at all: another run of this flow may be traced at this moment.
    part = f"{target}.{os.getpid()}"
    write(part, read(source))
    os.replace(part, target)
old, new = OLD, os.urandom(6).hex()
for source, target in RECORD:
    data = read(source).replace(old.encode(), new.encode())
    if ENV in data:
        lines = [
            f"      {encode_basestring(name)}: {encode_basestring(os.environ[name])}" for name in os.environ
        ]
        data = data.replace(ENV, ("{\n" + ",\n".join(lines) + "\n    }").encode("utf-8", "replace"))
    write(target.replace(old, new), data)
out = sys.stdout.buffer
printed = read(PRINTED)
out.write(printed.replace(old.encode(), new.encode()) if old else printed)
out.flush()
if SPEC.get("print"):
    line = b"x" * (1 << 20)
    for _ in range(SPEC["print"] >> 20):
        out.write(line)
    out.write(b"\n")
    out.flush()
exec(SPEC.get("after", ""))
if SPEC.get("signal"):
    import signal

    signal.signal(SPEC["signal"], signal.SIG_DFL) if SPEC["signal"] != 9 else None
    os.kill(os.getpid(), SPEC["signal"])
sys.exit(SPEC.get("exit", 0))
