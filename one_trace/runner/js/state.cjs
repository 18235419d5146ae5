// The state file of a run, rewritten after every step unless that would take too much of the run's time.
"use strict";
const fs = require("node:fs");

const { stringify } = JSON; // a step's code may replace it

/** After a save that took t ms, the next one waits at least 4 t: saving takes at most a fifth of the time. */
const REST = 4;
/**
 * The longest text that overwrites the one before it. Replacing a file costs more than all else of a step, since file
 * systems then start writing it to the disk. One CLI truncates its file first, so whoever looks, or kills the run, at
 * the wrong moment finds it empty; here the moment is that of one short `write`.
 */
const OVERWRITTEN = 1 << 20;

/** Whether a sub-flow has ended: its output holds copies, and copies of copies. Omitting them takes several times as long. */
let copies = false;
function copiesMade() {
  copies = true;
}

const withoutCopies = (key, value) => (key === "_steps" ? undefined : value);

/** JSON without the copies of a sub-flow's results, which only the running flow needs. */
function toJson(value, indent) {
  const text = copies ? undefined : stringify(value, null, indent);
  return copies || text?.includes('"_steps":') ? stringify(value, withoutCopies, indent) : text;
}

class StateFile {
  constructor(file, state) {
    this.file = file;
    this.state = state;
    this.saved = null; // what this process has written, if it is short
    this.restUntil = 0;
    this.timer = null;
    this.failure = null;
  }

  /** Write now, or a little later if the last save was slow. Throws the error of an earlier delayed save. */
  save() {
    if (this.failure !== null) throw this.failure;
    if (performance.now() >= this.restUntil) this.write();
    else this.timer ??= setTimeout(() => this.flush(), this.restUntil - performance.now()).unref();
  }

  flush() {
    if (this.timer === null) return;
    try {
      this.write();
    } catch (error) {
      this.failure = error;
    }
  }

  write() {
    const began = performance.now();
    clearTimeout(this.timer);
    this.timer = null;
    const text = this.text();
    const bytes = text.length <= OVERWRITTEN ? Buffer.from(text) : null;
    if (bytes === null || this.saved === null || !this.overwrite(bytes)) this.replace(bytes ?? text);
    this.saved = bytes;
    const now = performance.now();
    this.restUntil = now + REST * (now - began);
  }

  replace(content) {
    const temporary = `${this.file}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, content, { mode: 0o600 });
    fs.renameSync(temporary, this.file);
  }

  /** False if the file is no longer there. A disk that is full leaves what was there before. */
  overwrite(bytes) {
    let fd;
    try {
      fd = fs.openSync(this.file, fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW);
    } catch {
      return false;
    }
    try {
      rewrite(fd, bytes);
    } catch (error) {
      rewrite(fd, this.saved);
      throw error;
    } finally {
      fs.closeSync(fd);
    }
    return true;
  }

  text() {
    const { context } = this.state;
    // The environment, which holds secrets, is not recorded.
    return toJson({ ...this.state, context: { ...context, env: {} } }, 2);
  }
}

function rewrite(fd, bytes) {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at, bytes.length - at, at);
  fs.ftruncateSync(fd, bytes.length);
}

module.exports = { copiesMade, toJson, StateFile };
