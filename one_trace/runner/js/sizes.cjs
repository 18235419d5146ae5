// Input sizes: the sizes of the values that a step's selectors resolve to, never the values.
//
// Selectors are found and resolved as in assemble/sizes/inputs.py, which estimates the same number from the record of a
// run: the two must agree.
"use strict";
const fs = require("node:fs");
const { toJson } = require("./state.cjs");
const { resolve, select, tokens } = require("./values.cjs");

const { stringify } = JSON; // a step's code may replace it

const EXPRESSIONS = new Set(["transform", "code", "condition", "while"]);
const RESOLVED = new Set(["bash", "action", "paginate"]);
const KEYS = { "file-read": "fileRead", "file-write": "fileWrite" };
const INSIDE = new Set(["steps", "then", "else"]);

const SELECTOR = /\$(?:\??\.[\p{L}_][\p{L}\p{N}_]*|\[\d+\]|\["[^"\]]+"\]|\['[^'\]]+'\]|\?\.(?=\[)|\[\*\])+/gu;
const PART = /\.([\p{L}\p{N}_]+)|\[(\d+)\]|\[["']([^"'\]]+)["']\]/gu;
/** A method or the length of a value: the value itself is the input. */
const METHODS = new Set(
  (
    "length map filter reduce join slice includes find some every forEach flatMap flat sort concat indexOf keys toString " +
    "split trim replace match toUpperCase toLowerCase startsWith endsWith toFixed hasOwnProperty"
  ).split(" "),
);

const partsOf = (selector) => [...selector.replaceAll("?.", ".").matchAll(PART)].map(([, a, b, c]) => a ?? b ?? c);

/** The path of a selector in an expression, as far as it leads to a value. */
function walk(path, $) {
  let here = $;
  for (const part of path) {
    if (here === undefined) return undefined;
    if (Array.isArray(here)) {
      if (!/^\d+$/.test(part)) return here;
      here = here[part];
    } else if (typeof here === "object" && here !== null && Object.hasOwn(here, part)) {
      here = here[part];
    } else {
      return METHODS.has(part) ? here : undefined;
    }
  }
  return here;
}

function* strings(value) {
  if (typeof value === "string") yield value;
  else if (value && typeof value === "object") for (const inner of Object.values(value)) yield* strings(inner);
}

/** The selectors of a step; null if it reads the environment, which is never measured. */
function planOf(step) {
  const given = step[KEYS[step.type] ?? step.type];
  const isObject = given && typeof given === "object" && !Array.isArray(given);
  const config = Object.fromEntries(Object.entries(isObject ? given : {}).filter(([name]) => !INSIDE.has(name)));
  const texts = [...strings(config)];
  const code = EXPRESSIONS.has(step.type);
  const found = new Set(texts.flatMap((text) => (code ? text.match(SELECTOR) ?? [] : tokens(text))));
  const selectors = [...found].map((text) => ({ text, path: code ? partsOf(text) : text.slice(2).split(/[.[]/) }));
  const paths = selectors.filter(({ path }) => path.length > 0);
  if (paths.some(({ path }) => path[0] === "env")) return null;
  if (RESOLVED.has(step.type)) return { config };
  // a.b and a["b"] are the same
  const distinct = new Map(paths.map(({ text, path }) => [code ? path.join("\0") : text, { text, path }]));
  return { leads: [...distinct.values()].map(({ text, path }) => ($) => (code ? walk(path, $) : select(text, $))) };
}

const plans = new WeakMap();

/** Sizes of long strings, which cannot change. Any other value may change between two steps, so it is not cached. */
const measured = new Map();
const LONG = 16384;
const REMEMBERED = 8;

function bytesOfString(text) {
  const known = measured.get(text);
  if (known !== undefined) return known;
  const bytes = Buffer.byteLength(stringify(text));
  if (text.length > LONG) {
    if (measured.size >= REMEMBERED) measured.clear();
    measured.set(text, bytes);
  }
  return bytes;
}

function bytesOf(value) {
  if (value === undefined) return 0;
  if (typeof value === "string") return bytesOfString(value);
  const text = toJson(value);
  return text === undefined ? 0 : Buffer.byteLength(text);
}

/** Bytes of a step's input; null if it is not measured. `weigh(key, make)` measures what `make` returns. */
function inputBytes(step, $, weigh = (_key, make) => bytesOf(make())) {
  let plan = plans.get(step);
  if (plan === undefined) plans.set(step, (plan = planOf(step)));
  if (plan === null) return null;
  if (plan.config) return weigh(plan.config, () => resolve(plan.config, $, () => {}));
  let sum = 0;
  for (const lead of plan.leads) {
    const value = lead($);
    const bytes = weigh(value, () => value);
    if (bytes === null) return null;
    sum += bytes;
  }
  return sum;
}

/** Ms that one measurement may take, and the share of the run's time that all of them may take. */
const AT_ONCE = 50;
const SHARE = 0.05;

/**
 * The file of sizes. For the start or each resume of a run: a line that identifies it, a numbered line for each measured
 * execution, and their count, so that a reader notices a missing line, which may correct an earlier one. Never throws.
 */
class SizeFile {
  constructor(file, go) {
    this.opened = performance.now();
    this.spent = 0;
    this.lines = 0;
    this.costs = new WeakMap();
    this.fd = null;
    try {
      this.fd = fs.openSync(file, "a", 0o600);
      const torn = fs.fstatSync(this.fd).size > 0 ? "\n" : ""; // an earlier process may have been killed in the middle of a line
      this.write(`${torn}${stringify(go)}\n`);
    } catch {
      this.close(); // sizes are then estimated from the rest of the record
    }
  }

  /** Measure an execution. `again`: this replaces an earlier line. */
  note(label, step, $, again) {
    if (this.fd === null) return;
    const began = performance.now();
    let bytes = null;
    try {
      bytes = this.left(began) > 0 ? inputBytes(step, $, (key, make) => this.weigh(key, make)) : null;
    } catch {
      // what is not JSON has no size
    }
    try {
      if (bytes !== null || again) this.write(`${stringify({ n: ++this.lines, ...label, bytes })}\n`);
    } catch {
      this.close();
    }
    this.spent += performance.now() - began;
  }

  left(now) {
    return AT_ONCE + SHARE * (now - this.opened) - this.spent;
  }

  /** Skip what took too long the last time. */
  weigh(key, make) {
    const began = performance.now();
    const known = typeof key === "object" && key !== null;
    if (known && this.left(began) < (this.costs.get(key) ?? 0)) return null;
    const bytes = bytesOf(make());
    const took = performance.now() - began;
    if (known && took > 0.1) this.costs.set(key, took);
    return bytes;
  }

  write(line) {
    const bytes = Buffer.from(line);
    if (fs.writeSync(this.fd, bytes) < bytes.length) this.close(); // the disk is full: lines after a torn one would be lost
  }

  /** The run, or this part of it, is over. */
  end() {
    try {
      if (this.fd !== null) this.write(`${stringify({ end: this.lines })}\n`);
    } catch {
      // without this line, readers trust fewer sizes
    }
    this.close();
  }

  close() {
    if (this.fd !== null) fs.closeSync(this.fd);
    this.fd = null;
  }
}

module.exports = { inputBytes, SizeFile };
