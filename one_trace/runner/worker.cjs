// Evaluates the JavaScript of flows for the runner: it holds the values and runs steps, but does not schedule them.
//
// Requests arrive on a descriptor named in argv, each line a JSON array of them: [number, operation, ...arguments]; 0 needs no
// answer.
// Answers go to the other one, one JSON object a line: {id, ok} or {id, err}; {id, later: true} if the answer is yet to
// come; {id, bytes: n} if n raw bytes follow. When the requests end, so does this process.
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const tty = require("node:tty");
const { Writable } = require("node:stream");
const { inspect } = require("node:util");
const bodies = require("./js/bodies.cjs");
const { dryStep, drySteps } = require("./js/dry.cjs");
const inputs = require("./js/inputs.cjs");
const { SizeFile, inputBytes } = require("./js/sizes.cjs");
const { StateFile, copiesMade, toJson } = require("./js/state.cjs");
const timers = require("./js/timers.cjs");
const { holds, put, resolve, select } = require("./js/values.cjs");

const { parse, stringify } = JSON; // a step's code may replace them
const [REQUESTS, ANSWERS] = process.argv.slice(2).map(Number);

// Live values, by the numbers that the engine has chosen.
const steps = new Map();
const contexts = new Map();
const results = new Map();
const loops = new Map();
const values = new Map();
const states = new Map();
let sizes = null;
let running = 0;

// -- output, in order with the engine's lines

const pause = new Int32Array(new SharedArrayBuffer(4));

function writeAll(fd, bytes) {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(fd, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** Standard output and error without a queue, so that they stay in order with the engine's lines. */
function direct(fd) {
  const stream = new Writable({
    decodeStrings: true,
    write(chunk, _encoding, done) {
      try {
        writeAll(fd, chunk);
        done();
      } catch (error) {
        done(error);
      }
    },
  });
  stream.fd = fd;
  if (tty.isatty(fd)) stream.isTTY = true;
  return stream;
}

for (const [name, fd] of [["stdout", 1], ["stderr", 2]]) {
  const stream = direct(fd);
  Object.defineProperty(process, name, { get: () => stream, configurable: true });
}

function answer(message, raw) {
  writeAll(ANSWERS, Buffer.from(`${stringify(message)}\n`));
  if (raw) writeAll(ANSWERS, raw);
}

/** An error for the engine: its message and its errorCode. */
function failure(error) {
  const known = error instanceof Error;
  const message = known ? error.message : String(error);
  let code = known || (typeof error === "object" && error !== null) ? error.errorCode : undefined;
  try {
    JSON.stringify(code);
  } catch {
    code = String(code);
  }
  return { message: typeof message === "string" ? message : String(message), code: code || undefined };
}

// -- results and contexts

function finish(ctx, step, result, durationMs, retries) {
  const made = results.get(result);
  made.durationMs = durationMs;
  if (retries !== null) made.retries = retries;
  put(contexts.get(ctx).steps, steps.get(step).id, made);
}

function keep(result, made) {
  results.set(result, made);
}

function counts(ctx) {
  // A step called __proto__ keeps its result here, but One CLI does not count it.
  const entries = Object.entries(contexts.get(ctx).steps).filter(([id]) => id !== "__proto__");
  const statuses = entries.map(([, result]) => result.status);
  return ["success", "failed", "skipped"].map((status) => statuses.filter((one) => one === status).length);
}

const MISSING = (value) => value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);

function why(selector, $) {
  const parts = selector.slice(2).split(".");
  if (parts[0] !== "steps" || parts.length < 2) return "";
  const id = parts[1].replace(/\[.*$/, "");
  const upstream = $.steps[id];
  if (!upstream) return ` (upstream step "${id}" has not run)`;
  if (upstream.status === "skipped") return ` (upstream step "${id}" was skipped)`;
  if (upstream.status === "failed") return ` (upstream step "${id}" failed: ${upstream.error ?? "unknown error"})`;
  if (upstream.status === "timeout") return ` (upstream step "${id}" timed out)`;
  return "";
}

function requires(step, $) {
  for (const selector of step.requires) {
    const value = select(selector, $);
    if (!MISSING(value)) continue;
    const what = value === undefined ? "undefined" : value === null ? "null" : Array.isArray(value) ? "an empty array" : "an empty string";
    throw new Error(`Step "${step.id}" requires ${selector} but it resolved to ${what}${why(selector, $)}`);
  }
}

// -- loops

function openLoop(loop, ctx, step, most) {
  const config = steps.get(step).loop;
  const $ = contexts.get(ctx);
  const items = resolve(config.over, $);
  if (!Array.isArray(items)) throw new Error(`Loop "over" must resolve to an array, got ${typeof items}`);
  const bounded = items.slice(0, config.maxIterations || most);
  loops.set(loop, { config, bounded, before: { ...$.loop }, outputs: new Array(bounded.length), iterations: [] });
  return bounded.length;
}

function variables({ config, bounded }, i) {
  const own = { [config.as]: bounded[i], item: bounded[i], i };
  if (config.indexAs) own[config.indexAs] = i;
  return own;
}

function mergeInto(target, source) {
  for (const [key, value] of Object.entries(source)) put(target, key, value);
}

/** One iteration in the context of the loop. */
function turn(loop, ctx, i) {
  contexts.get(ctx).loop = variables(loops.get(loop), i);
}

function endTurn(loop, ctx, i) {
  const open = loops.get(loop);
  const $ = contexts.get(ctx);
  const all = {};
  mergeInto(all, $.steps); // One CLI keeps every result so far, not only those of this iteration
  open.iterations.push(all);
  open.outputs[i] = $.loop[open.config.as];
}

/** One of several concurrent iterations, with its own context. */
function fork(loop, ctx, own, i) {
  const $ = contexts.get(ctx);
  const copy = { ...$, loop: variables(loops.get(loop), i), steps: {} };
  mergeInto(copy.steps, $.steps);
  contexts.set(own, copy);
  loops.get(loop).seen ??= new Map();
  loops.get(loop).seen.set(i, new Set(Object.keys(copy.steps)));
}

function join(loop, ctx, own, i) {
  const open = loops.get(loop);
  const shared = contexts.get(ctx).steps;
  const mine = contexts.get(own);
  const changed = {};
  for (const [key, value] of Object.entries(mine.steps)) {
    if (!open.seen.get(i).has(key) || value !== shared[key]) put(changed, key, value);
  }
  open.iterations[i] = changed;
  mergeInto(shared, mine.steps);
  open.outputs[i] = mine.loop[open.config.as];
}

function closeLoop(loop, ctx, result) {
  const { before, outputs, iterations } = loops.get(loop);
  contexts.get(ctx).loop = before;
  keep(result, { status: "success", output: outputs, response: { items: outputs, iterations } });
}

function whileTurn(ctx, step, last, iteration, value) {
  // value: the results of the iterations
  const $ = contexts.get(ctx);
  const outcomes = values.get(value);
  const lastId = last === null ? undefined : steps.get(last).id;
  const lastResult = lastId ? $.steps[lastId]?.output : undefined;
  outcomes.push(lastResult);
  put($.steps, steps.get(step).id, { status: "success", output: { lastResult, iteration, results: outcomes } });
}

// -- sub-flows

function openFlow(ctx, step, value) {
  const config = steps.get(step).flow;
  const $ = contexts.get(ctx);
  const key = resolve(config.key, $);
  values.set(value, config.inputs ? resolve(config.inputs, $) : {});
  if (typeof key === "string") return key;
  // One CLI's message
  if (key === undefined || key === null) throw new TypeError(`Cannot read properties of ${key} (reading 'endsWith')`);
  throw new TypeError("keyOrPath.endsWith is not a function");
}

/** The last step's output merged into the sub-flow's results. Returns the fields that are also ids of steps. */
function closeFlow(sub, last, result) {
  copiesMade();
  const all = contexts.get(sub).steps;
  const final = last === null ? undefined : all[steps.get(last).id]?.output;
  const output = {};
  mergeInto(output, all);
  let collisions = [];
  if (final && typeof final === "object" && !Array.isArray(final)) {
    collisions = Object.keys(final).filter((key) => key in all);
    mergeInto(output, final);
    output._steps = all;
  } else {
    output._steps = all;
    if (final !== undefined) output._finalOutput = final;
  }
  keep(result, { status: "success", output, response: output });
  return collisions;
}

// -- the run's state

function openState(number, file, state, ctx, value) {
  contexts.set(ctx, { input: values.get(value), env: process.env, steps: {}, loop: {} });
  const { completedSteps, ...head } = state;
  const kept = { ...head, inputs: values.get(value), completedSteps, context: contexts.get(ctx) };
  states.set(number, new StateFile(file, kept));
}

function reopenState(number, file, ctx) {
  const state = JSON.parse(fs.readFileSync(file, "utf-8"));
  state.context.env = process.env;
  contexts.set(ctx, state.context);
  states.set(number, new StateFile(file, state));
}

function checkFile(file) {
  const { status, stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf-8" });
  if (status === 0) return null;
  const said = stderr || "";
  const line = said.split("\n").find((one) => one.includes("Error")) || said || "Syntax check failed";
  return line.trim();
}

const weights = new WeakMap();

/** The number of values in a value, copies included; each is visited once. */
function weigh(value) {
  if (typeof value !== "object" || value === null) return 1;
  if (!weights.has(value)) weights.set(value, Object.values(value).reduce((sum, inner) => sum + weigh(inner), 1));
  return weights.get(value);
}

/** The results of a run as JSON, or in a file. */
function writeResults(file, head, ctx) {
  const out = fs.openSync(file, "w");
  try {
    writeAll(out, Buffer.from(head));
    let comma = "";
    for (const [id, result] of Object.entries(contexts.get(ctx).steps)) {
      writeAll(out, Buffer.from(`${comma}${JSON.stringify(id)}:${JSON.stringify(result)}`));
      comma = ",";
    }
    writeAll(out, Buffer.from("}}"));
  } finally {
    fs.closeSync(out);
  }
}

const operations = {
  version: () => process.versions.node,
  step: (number, step) => void steps.set(number, step),
  forget: (kind, numbers) => numbers.forEach((number) => ({ results, contexts, steps, loops, values, states })[kind].delete(number)),

  // checks before a run
  jsonError: (text) => void JSON.parse(text),
  syntax: (source) => bodies.syntaxError(source),
  check: checkFile,

  // inputs
  parseInputs: (value, words, declared) => void values.set(value, inputs.withDefaults(inputs.parse(words), declared)),
  value: (value, given) => void values.set(value, given),
  inputsOf: (value, ctx, state) => void values.set(value, states.get(state).state.inputs),
  accept: (ctx, value, declared) => void (contexts.get(ctx).input = inputs.accept(values.get(value), declared)),
  acceptNew: (ctx, value, declared) =>
    void contexts.set(ctx, { input: inputs.accept(values.get(value), declared), env: process.env, steps: {}, loop: {} }),
  defaultOnError: (ctx, config) => void (contexts.get(ctx)._defaultOnError = config ?? undefined),

  // steps
  holds: (ctx, expression) => holds(expression, contexts.get(ctx)),
  requires: (ctx, step) => requires(steps.get(step), contexts.get(ctx)),
  transform: (result, ctx, step) => keep(result, bodies.transform(steps.get(step), contexts.get(ctx))),
  "file-read": (result, ctx, step) => keep(result, bodies.fileRead(steps.get(step), contexts.get(ctx))),
  "file-write": (result, ctx, step) => keep(result, bodies.fileWrite(steps.get(step), contexts.get(ctx))),
  mock(result, ctx, step) {
    const made = bodies.mock(steps.get(step), contexts.get(ctx));
    keep(result, made.result);
    return made.config;
  },
  given: (result, made) => keep(result, made),
  finish,
  finished: (ctx, ids) => ids.filter((id) => Object.hasOwn(contexts.get(ctx).steps, id)),
  counts,

  // containers
  condition: (ctx, step) => holds(steps.get(step).condition.expression, contexts.get(ctx)),
  closeCondition(result, taken, ran) {
    const stepsExecuted = ran.map((number) => results.get(number));
    keep(result, { status: "success", output: { conditionResult: taken, stepsExecuted }, response: { conditionResult: taken } });
  },
  place: (ctx, pairs) => pairs.forEach(([step, result]) => put(contexts.get(ctx).steps, steps.get(step).id, results.get(result))),
  closeParallel(result, parts) {
    const all = parts.map((number) => results.get(number));
    keep(result, { status: "success", output: all, response: all });
  },
  openLoop,
  turn,
  endTurn,
  fork,
  join,
  closeLoop,
  openWhile(ctx, step, value) {
    values.set(value, []);
    put(contexts.get(ctx).steps, steps.get(step).id, { status: "success", output: { lastResult: undefined, iteration: 0, results: [] } });
  },
  again: (ctx, step) => holds(steps.get(step).while.condition, contexts.get(ctx)),
  whileTurn,
  closeWhile(result, value) {
    const all = values.get(value);
    keep(result, { status: "success", output: { lastResult: all.at(-1), iteration: all.length, results: all }, response: { iterations: all.length, results: all } });
  },
  openFlow,
  closeFlow,

  // dry runs
  dryStep: (ctx, step) => dryStep(steps.get(step), contexts.get(ctx)),
  drySteps: (ctx, list, nested) => [contexts.get(ctx).input, drySteps(list, nested, contexts.get(ctx))],

  // state and results
  openState,
  reopenState,
  stateOf(number) {
    const { context: _context, inputs: _inputs, ...head } = states.get(number).state;
    return head;
  },
  set: (number, changes) => void Object.assign(states.get(number).state, changes),
  unset: (number, keys) => keys.forEach((key) => delete states.get(number).state[key]),
  current: (number, id) => void (states.get(number).state.currentStepId = id),
  completed(number, id, save) {
    const open = states.get(number);
    open.state.completedSteps.push(id);
    open.state.currentStepId = undefined;
    if (save === "after every step") open.write();
    else if (save) open.save();
  },
  write: (number) => states.get(number).write(),
  chdir: (folder) => process.chdir(folder),
  size(result) {
    const { output } = results.get(result);
    return Buffer.byteLength(toJson(output) ?? "") || null;
  },
  weigh: (result) => weigh(results.get(result)),
  openSizes(file, go) {
    sizes?.close();
    sizes = new SizeFile(file, go);
  },
  endSizes: () => sizes?.end(),
  measure: (label, ctx, step, again) => sizes?.note(label, steps.get(step), contexts.get(ctx), again),
  inputBytes: (ctx, step) => inputBytes(steps.get(step), contexts.get(ctx)),
  results: (ctx) => Buffer.from(JSON.stringify(contexts.get(ctx).steps)),
  writeResults,
};

/** Operations whose answer may come later. What is settled after the microtasks is answered at once. */
const slow = {
  code: (ctx, step, root) => bodies.code(steps.get(step), contexts.get(ctx), root),
  bash: (ctx, step, usual) => bodies.bash(steps.get(step), contexts.get(ctx), usual),
};

/** The most microtasks that are counted. What takes more may run in another order than in One CLI. */
const COUNTED = 64;
/** Microtasks of an inline code step that awaits nothing. */
const USUAL = 2;

function begin(id, name, result, rest) {
  let told = false;
  let outcome = null;
  let ticks = 0;
  const settle = (message) => {
    if (told) answer({ ...message, at: timers.at() });
    else outcome = { ...message, ticks: Math.max(0, ticks - USUAL) };
  };
  const count = () => {
    ticks += 1;
    if (outcome === null && ticks < COUNTED) queueMicrotask(count);
  };
  queueMicrotask(count);
  running += 1;
  slow[name](...rest)
    .then(
      (made) => {
        keep(result, made);
        settle({ id, ok: null });
      },
      (error) => settle({ id, err: failure(error) }),
    )
    .finally(() => {
      running -= 1;
    });
  setImmediate(() => {
    if (doom !== null && outcome === null) die();
    told = true;
    timers.over();
    answer(outcome ?? { id, later: true });
  });
}

/**
 * An unhandled rejection ends One CLI, but only after its microtasks: what the engine does without waiting (the
 * end of the step, the next steps, the result of a failed run) comes before that. So this process ends when a
 * step waits, when the run is over, or when the engine, which is told, waits.
 */
let doom = null;

function die() {
  fs.writeSync(2, `Uncaught (in promise): ${inspect(doom.error)}\n`);
  process.exit(1);
}

process.on("unhandledRejection", (error) => {
  if (doom !== null) return;
  doom = { error };
  answer({ doomed: true });
});

function handle([id, name, ...rest]) {
  if (Object.hasOwn(slow, name)) {
    const [turn, at, result, ...more] = rest;
    timers.during(turn, at);
    begin(id, name, result, more);
    return;
  }
  try {
    const ok = operations[name](...rest);
    if (id === 0) return;
    if (Buffer.isBuffer(ok)) answer({ id, bytes: ok.length }, ok);
    else answer({ id, ok: ok === undefined ? null : ok });
  } catch (error) {
    answer({ id, err: failure(error) });
  }
}

// -- requests

const socket = new net.Socket({ fd: REQUESTS, readable: true, writable: false });
let parts = [];
let ending = false;

/** While steps run, and at the end of a run, only their work keeps this process alive, not the requests. */
socket.on("data", (chunk) => {
  socket.ref();
  let from = 0;
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
    parts.push(chunk.subarray(from, at));
    const line = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    from = at + 1;
    parse(line.latin1Slice()).forEach(take); // all of it is ASCII
  }
  if (from < chunk.length) parts.push(chunk.subarray(from));
  if (ending || running > 0) socket.unref();
});

let taken = 0;

function take(message) {
  taken += 1;
  if (message[1] === "ending" || message[1] === "waiting") {
    if (doom !== null) die();
    ending = true;
  }
  else handle(message);
}

// Timers and child processes of steps keep the process alive. Here none of them is left.
process.on("beforeExit", () => {
  answer({ idle: taken });
  socket.ref();
});

process.on("exit", () => {
  for (const state of states.values()) state.flush();
});
// A run survives Ctrl-C; the engine decides what that means.
process.on("SIGINT", () => {});
socket.on("end", () => process.exit(0));
socket.on("error", () => process.exit(0));
