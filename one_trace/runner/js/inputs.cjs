// The inputs of a flow: the given values, coerced to the declared types.
"use strict";
const { put } = require("./values.cjs");

/** `name=value` words of the command line. A value that is JSON is parsed. */
function parse(words) {
  const inputs = {};
  for (const word of words) {
    const at = word.indexOf("=");
    let value = word.slice(at + 1);
    try {
      value = JSON.parse(value);
    } catch {
      // any other text stays as it is
    }
    put(inputs, word.slice(0, at), value);
  }
  return inputs;
}

/** The given values and the defaults of the others, unchecked. This is what the state keeps. */
function withDefaults(given, declared) {
  const inputs = { ...given };
  for (const [name, declaration] of Object.entries(declared)) {
    if (inputs[name] === undefined && declaration.default !== undefined) put(inputs, name, declaration.default);
  }
  return inputs;
}

function describe(value) {
  if (value === null) return "null";
  return `${Array.isArray(value) ? "array" : typeof value} (${JSON.stringify(value)})`;
}

function fromJson(value) {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

const TYPES = {
  string: { coerce: (v) => (typeof v === "string" ? v : String(v)), fits: () => true },
  number: {
    coerce: (v) => (typeof v === "string" && v.trim() !== "" && !Number.isNaN(Number(v)) ? Number(v) : v),
    fits: (v) => typeof v === "number" && !Number.isNaN(v),
    article: "a",
  },
  boolean: {
    coerce: (v) => (["true", "1", 1].includes(v) ? true : ["false", "0", 0].includes(v) ? false : v),
    fits: (v) => typeof v === "boolean",
    article: "a",
  },
  array: { coerce: fromJson, fits: Array.isArray, article: "an" },
  object: { coerce: fromJson, fits: (v) => v && typeof v === "object" && !Array.isArray(v), article: "an" },
};

function fit(name, given, declaration) {
  const type = Object.hasOwn(TYPES, declaration.type) ? TYPES[declaration.type] : null;
  const value = type ? type.coerce(given) : given;
  if (type && !type.fits(value)) {
    throw new Error(`Input "${name}" must be ${type.article} ${declaration.type}, got ${describe(given)}`);
  }
  const allowed = declaration.enum;
  if (Array.isArray(allowed) && allowed.length > 0 && !allowed.includes(value)) {
    throw new Error(`Input "${name}" must be one of ${JSON.stringify(allowed)}, got ${JSON.stringify(value)}`);
  }
  return value;
}

/** The inputs as steps see them: coerced, checked, with defaults. Throws the error of the flow. */
function accept(given, declared) {
  const inputs = {};
  for (const [name, declaration] of Object.entries(declared)) {
    const value = given[name];
    if (value !== undefined && value !== null) {
      put(inputs, name, fit(name, value, declaration));
    } else if (declaration.default !== undefined) {
      put(inputs, name, declaration.default);
    } else if (declaration.required !== false) {
      const about = declaration.description ? ` — ${declaration.description}` : "";
      throw new Error(`Missing required input: "${name}"${about}`);
    }
  }
  return inputs;
}

module.exports = { parse, withDefaults, accept };
