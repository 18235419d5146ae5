// `--dry-run`: the values of a step's selectors and expressions, without running it.
"use strict";
const { evaluate, resolve, select } = require("./values.cjs");

const SELECTOR = /\$\.[A-Za-z0-9_$]+(?:[.[][A-Za-z0-9_$*\]]+)*/g;
const EXPRESSIONS = {
  transform: (step) => step.transform?.expression,
  condition: (step) => step.condition?.expression,
  while: (step) => step.while?.condition,
};

const action = (a) =>
  a && {
    platform: a.platform,
    actionId: a.actionId,
    connectionKey: a.connectionKey,
    connection: a.connection,
    pathVars: a.pathVars,
    queryParams: a.queryParams,
    headers: a.headers,
    data: a.data,
  };
/** The part of a step's configuration whose selectors are resolved. */
const CONFIGURED = {
  action: (step) => action(step.action) ?? {},
  paginate: (step) => action(step.paginate?.action) ?? {},
  "file-read": (step) => ({ path: step.fileRead?.path }),
  "file-write": (step) => ({ path: step.fileWrite?.path, content: step.fileWrite?.content }),
  loop: (step) => ({ over: step.loop?.over }),
  flow: (step) => ({ inputs: step.flow?.inputs }),
  bash: (step) => ({ command: step.bash?.command, cwd: step.bash?.cwd, env: step.bash?.env }),
};

const laterFound = (selector) => selector.startsWith("$.steps.") || selector.startsWith("$.loop.");

function* selectorsIn(value) {
  if (typeof value === "string") yield* value.match(SELECTOR) ?? [];
  else if (value && typeof value === "object") for (const inner of Object.values(value)) yield* selectorsIn(inner);
}

/** The steps and loop variables that an expression reads but that do not exist yet. */
function pending(expression, $) {
  const roots = new Set();
  for (const selector of selectorsIn(expression)) {
    const parts = selector.split(/[.[]/);
    if (!laterFound(selector) || parts.length < 3) continue;
    const root = parts.slice(0, 3).join(".");
    if (select(root, $) === undefined) roots.add(root);
  }
  return [...roots];
}

function dryExpression(about, expression, $) {
  if (!expression) return { ...about, references: [] };
  try {
    return { ...about, references: [], resolved: evaluate(expression, $) };
  } catch (error) {
    const waiting = error instanceof TypeError ? pending(expression, $) : [];
    if (waiting.length > 0) {
      return { ...about, references: waiting.map((selector) => ({ selector, value: undefined, status: "deferred" })), deferred: true };
    }
    return { ...about, references: [], error: error instanceof Error ? error.message : String(error) };
  }
}

/** One step: `{stepId, name, type, references, resolved | deferred | error}`. */
function dryStep(step, $) {
  const about = { stepId: step.id, name: step.name, type: step.type };
  if (Object.hasOwn(EXPRESSIONS, step.type)) return dryExpression(about, EXPRESSIONS[step.type](step), $);
  const source = Object.hasOwn(CONFIGURED, step.type) ? CONFIGURED[step.type](step) : {};
  const references = [...new Set(selectorsIn(source))].map((selector) => {
    const value = select(selector, $);
    const status = value !== undefined ? "resolved" : laterFound(selector) ? "deferred" : "missing";
    return { selector, value, status };
  });
  let resolved;
  try {
    resolved = resolve(source, $);
  } catch {
    // an unknown pipe: the references still show what is known
  }
  return { ...about, references, resolved };
}

/** Each step of a list and of the lists nested in it, which `nested` names: [[configKey, field], ...]. */
function drySteps(steps, nested, $) {
  return steps.flatMap((step) => [
    dryStep(step, $),
    ...nested.flatMap(([key, field]) => (Array.isArray(step[key]?.[field]) ? drySteps(step[key][field], nested, $) : [])),
  ]);
}

module.exports = { dryStep, drySteps };
