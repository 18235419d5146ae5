"""How the worker writes a run's state file."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import one_trace.runner

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")

STATE = Path(one_trace.runner.__file__).parent / "js" / "state.cjs"
SAVES = """
import fs from "node:fs";
const { StateFile, copiesMade } = await import(FILE);
const { writeSync } = fs;
const steps = {};
const file = new StateFile("state.json", { context: { env: { KEY: "secret" }, steps } });
let room = Infinity;
fs.writeSync = (fd, bytes, at, length, to) => {
  if (room === Infinity) return writeSync(fd, bytes, at, length, to);
  if (to >= room) throw Object.assign(new Error("full"), { code: "ENOSPC" });
  return writeSync(fd, bytes, at, Math.min(length, room - to), to);
};
const seen = [];
const save = (name, value) => {
  steps.a = value;
  try {
    file.write();
  } catch (error) {
    seen.push([name, error.code]);
  }
  const { ino, mode, size } = fs.statSync("state.json");
  const state = JSON.parse(fs.readFileSync("state.json", "utf-8"));
  seen.push([name, ino, mode & 0o777, size > 1 << 20, state.context.env, state.context.steps.a]);
};
fs.writeFileSync("state.json", "{}", { mode: 0o644 });
save("first", "x".repeat(100));
save("shorter", "é");
room = 1000;
save("full", "y".repeat(2000));
room = Infinity;
fs.unlinkSync("state.json");
save("removed", 1);
save("long", "z".repeat(1 << 20));
save("longer", "z".repeat(1 << 21));
save("short again", { k: 1, _steps: 2 });
copiesMade();
save("copies", { k: 1, _steps: 2 });
console.log(JSON.stringify(seen));
"""


def test_each_save_leaves_a_whole_private_file(tmp_path: Path) -> None:
    """Whatever stood there before, and also if the disk is full: then that of the save before stays."""
    program = SAVES.replace("FILE", json.dumps(STATE.as_uri()))
    command = ["node", "--input-type=module", "-e", program]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120, cwd=tmp_path)
    seen: list[list[Any]] = json.loads(done.stdout)
    assert [line for line in seen if len(line) == 2] == [["full", "ENOSPC"]]
    saves = [line for line in seen if len(line) > 2]
    assert all(mode == 0o600 and env == {} for _, _, mode, _, env, _ in saves)
    assert [name for name, _, _, is_long, _, _ in saves if is_long] == ["long", "longer"]
    assert [line[5] if len(str(line[5])) < 200 else len(line[5]) for line in saves] == (
        ["x" * 100, "é", "é", 1, 1 << 20, 1 << 21, {"k": 1}, {"k": 1}]
    )
    inodes = {name: inode for name, inode, *_ in saves}
    assert inodes["first"] == inodes["shorter"] == inodes["full"], "overwritten, not replaced"
    assert len({inodes["long"], inodes["longer"]}) == 2, "replaced"
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
