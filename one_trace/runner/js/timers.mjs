// The timers that steps set. None goes off before its time, and of two that are due at about the same time the one goes
// first that would if nothing but timers took time.
//
// In the host a step's end and the next one's start are one turn of one process. Here the engine is asked in between, and
// on a busy machine each question may take ms: branches that begin together would begin apart, and what waits 20 ms would
// come after what waits 30. So a timer also knows its ideal time: that of what the turn follows, and its delay.
import { promisify } from "node:util";

const { setTimeout: later, clearTimeout: forget } = globalThis;
const now = () => performance.now();

/** How many ms a timer is kept back at most for one that should have gone off before it. */
const PATIENCE = 50;
/** A timer that is late by no more than this is taken to be on time. More would add up, and keep others waiting. */
const LAG = 4;
/** Ms after which a timer that has not gone off is taken to be closed. */
const GONE = 1000;
const LONGEST = 2 ** 31 - 1;

const pending = new Map();
let numbers = 0;
/** The ideal time of what runs now, where it is known. */
let moment = null;
let turn = { number: null, began: 0 };

/** What the engine asks for in one of its turns happens at one time: `at`, where the turn follows a timer of ours. */
export function during(number, at) {
  if (number !== turn.number) turn = { number, began: Math.max(at ?? now(), now() - PATIENCE) };
  moment = turn.began;
}

export function over() {
  moment = null;
}

/** The ideal time of what has just happened. */
export const at = () => moment ?? now();

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
  if (entry.cleared) return; // while it was kept back
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
