// The state file of a run, rewritten after every step unless that would take too much of the run's time.
import fs from "node:fs";

/** After a save that took t ms, the next one waits at least 4 t: saving takes at most a fifth of the time. */
const REST = 4;

/** The copy of a sub-flow's results, which only the running flow needs. */
export const withoutCopies = (key, value) => (key === "_steps" ? undefined : value);

export class StateFile {
  constructor(file, state) {
    this.file = file;
    this.state = state;
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
    const temporary = `${this.file}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, this.text(), { mode: 0o600 });
    fs.renameSync(temporary, this.file);
    const now = performance.now();
    this.restUntil = now + REST * (now - began);
  }

  text() {
    const { context } = this.state;
    // The environment, which holds secrets, is not recorded.
    return JSON.stringify({ ...this.state, context: { ...context, env: {} } }, withoutCopies, 2);
  }
}
