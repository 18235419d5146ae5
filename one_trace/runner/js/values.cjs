// The language of a flow's texts: selectors, {{ }} tokens with pipes, expressions. Pure, except for a warning.
"use strict";

const OPERAND = /\{\{\s*(q\s+)?\$\./;
const TOKEN = /\{\{\s*(q\s+)?(\$\.[^}\s|]+)(?:\s*\|\s*([a-zA-Z]+))?\s*\}\}/g;

/** The value at a `$.` path. On an array, a name that is not an index is looked up in every element. */
function select(path, context) {
  if (!path.startsWith("$.")) return path;
  let here = context;
  for (const raw of path.slice(2).split(/[.[]/)) {
    if (here === null || here === undefined) return undefined;
    const name = raw.endsWith("]") ? raw.slice(0, -1) : raw;
    if (Array.isArray(here)) {
      if (name === "*") continue;
      const index = Number(name);
      here = Number.isNaN(index) ? here.map((element) => element?.[name]) : here[index];
    } else if (typeof here === "object") {
      here = here[name];
    } else {
      return undefined;
    }
  }
  return here;
}

const nothing = (value) => value === undefined || value === null;
const text = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
const quote = (word) => `'${word.split("'").join("'\\''")}'`;

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const PIPES = {
  json: (value) => JSON.stringify(value ?? null),
  shell: (value) => (nothing(value) ? "''" : quote(text(value))),
  url: (value) => (nothing(value) ? "" : encodeURIComponent(text(value))),
  md: (value) => (nothing(value) ? "" : text(value).replace(/[\\`*_{}[\]()#+\-!|]/g, "\\$&")),
  html: (value) => (nothing(value) ? "" : text(value).replace(/[&<>"']/g, (c) => ENTITIES[c])),
};

function token(q, selector, pipe, context, warn) {
  const value = select(selector, context);
  if (pipe) {
    if (q) {
      throw new Error(`Handlebars expression "{{q ${selector} | ${pipe}}}" combines the legacy "q" prefix with a pipe — pick one (prefer the pipe form).`);
    }
    if (!Object.hasOwn(PIPES, pipe)) {
      throw new Error(`Unknown Handlebars pipe: "${pipe}". Supported: ${Object.keys(PIPES).join(", ")}.`);
    }
    return PIPES[pipe](value);
  }
  if (nothing(value)) return q ? "''" : "";
  if (typeof value === "object") {
    const kind = Array.isArray(value) ? "an array" : "an object";
    warn(
      `[flow] WARNING: Handlebars expression "{{${q ? "q " : ""}${selector}}}" resolved to ${kind} and was stringified as JSON. ` +
        `To pass objects/arrays as native values, use a direct selector without {{ }}: "${selector}"`,
    );
  }
  return q ? quote(text(value)) : text(value);
}

/** The selectors that `resolve` looks up in one string. */
function tokens(value) {
  if (value.startsWith("$.") && !value.includes("{{")) return [value];
  return OPERAND.test(value) ? Array.from(value.matchAll(TOKEN), ([, , selector]) => selector) : [];
}

/** A value of a flow file with its selectors and tokens replaced at any depth. */
function resolve(value, context, warn = console.warn) {
  if (typeof value === "string") {
    if (value.startsWith("$.") && !value.includes("{{")) return select(value, context);
    if (!OPERAND.test(value)) return value;
    return value.replace(TOKEN, (_whole, q, selector, pipe) => token(q, selector, pipe, context, warn));
  }
  if (Array.isArray(value)) return value.map((element) => resolve(element, context, warn));
  if (value && typeof value === "object") {
    const out = {};
    for (const [key, inner] of Object.entries(value)) put(out, key, resolve(inner, context, warn));
    return out;
  }
  return value;
}

/** The value of a JavaScript expression with the context as `$`. */
function evaluate(expression, context) {
  return new Function("$", `return (${expression})`)(context);
}

/** The same as a condition: reading a property of undefined is false, not an error. */
function holds(expression, context) {
  try {
    return Boolean(evaluate(expression, context));
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** Sets an own key, even if it is `__proto__`. */
function put(target, key, value) {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

module.exports = { select, tokens, resolve, evaluate, holds, put };
