// The timers of steps. None fires early, and of two that are due at about the same time, the one fires first that
// would if only timers took time.
//
// In One CLI, the end of a step and the start of the next are one turn of one process. Here the engine runs in between, and
// on a busy machine each request may take ms: branches that begin together would drift apart, and a wait of 20 ms would
// end after one of 30. So a timer also has an ideal time: that of the event its turn handles, plus its delay.
"use strict";
const { promisify } = require("node:util");

const { setTimeout: later, clearTimeout: forget } = globalThis;
const now = () => performance.now();

/** Most ms that a timer is delayed for one that should fire before it. */
const PATIENCE = 50;
/** A timer that is late by no more than this counts as on time. More would add up, and delay others. */
const LAG = 4;
/** Ms after which a timer that has not fired counts as closed. */
const GONE = 1000;
const LONGEST = 2 ** 31 - 1;

const pending = new Map();
let numbers = 0;
/** The ideal time of what runs now, if it is known. */
let moment = null;
let turn = { number: null, began: 0 };

/** All requests of one turn of the engine happen at one time: `at`, if the turn handles one of our timers. */
function during(number, at) {
  if (number !== turn.number) turn = { number, began: Math.max(at ?? now(), now() - PATIENCE) };
  moment = turn.began;
}

function over() {
  moment = null;
}

/** The ideal time of the last event. */
const at = () => moment ?? now();

const before = (one, other) => one.due < other.due || (one.due === other.due && one.number < other.number);

function awaited(entry) {
  const time = now();
  for (const [handle, other] of pending) {
    if (other.ready < time - GONE) pending.delete(handle);
    else if (before(other, entry) && other.ready <= time + PATIENCE && time < entry.ready + PATIENCE) return true;
  }
  return false;
}

function goOff(handle, entry, args) {
  if (entry.cleared) return; // while it was delayed
  if (pending.has(handle) && awaited(entry)) {
    later(goOff, 1, handle, entry, args);
    return;
  }
  pending.delete(handle);
  moment = Math.max(entry.due, now() - LAG);
  setImmediate(over);
  entry.run(...args);
}

function setTimeout(run, delay, ...args) {
  if (typeof run !== "function") return later(run, delay); // throws
  const ms = delay >= 1 && delay <= LONGEST ? Math.trunc(delay) : 1;
  const entry = { run, number: ++numbers, due: at() + ms, ready: now() + ms };
  const handle = later(() => goOff(handle, entry, args), ms);
  pending.set(handle, entry);
  return handle;
}

function clearTimeout(given) {
  for (const [handle, entry] of pending) {
    if (handle === given || (typeof given !== "object" && Number(handle) === Number(given))) {
      pending.delete(handle);
      entry.cleared = true;
      break;
    }
  }
  forget(given);
}

Object.defineProperty(setTimeout, promisify.custom, { value: later[promisify.custom] });
Object.assign(globalThis, { setTimeout, clearTimeout });

module.exports = { during, over, at };
