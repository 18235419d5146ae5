// `fileRead.schema`: checks a value that was read against the schema of the flow.
"use strict";

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const typeOf = (value) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);
const asRule = (rule) => (typeof rule === "string" ? { type: rule } : rule);

function hasType(value, type) {
  return type === "unknown" || typeOf(value) === type;
}

function lengthProblems(value, rule, where) {
  const found = [];
  const { length, minItems, maxItems } = rule;
  const items = (n) => `${n} item${n === 1 ? "" : "s"}`;
  if (length !== undefined && value.length !== length) {
    found.push(`field "${where}" expected array of length ${length} but got length ${value.length}`);
  }
  if (minItems !== undefined && value.length < minItems) {
    found.push(`field "${where}" expected at least ${items(minItems)} but got ${value.length}`);
  }
  if (maxItems !== undefined && value.length > maxItems) {
    found.push(`field "${where}" expected at most ${items(maxItems)} but got ${value.length}`);
  }
  return found;
}

function valueProblems(value, rule, where) {
  if (rule.type && !hasType(value, rule.type)) return [`field "${where}" expected ${rule.type} but got ${typeOf(value)}`];
  const found = [];
  if (Array.isArray(rule.enum) && !rule.enum.some((allowed) => allowed === value)) {
    const allowed = rule.enum.map((one) => JSON.stringify(one)).join(", ");
    found.push(`field "${where}" value ${JSON.stringify(value)} is not one of [${allowed}]`);
  }
  if ([rule.items, rule.minItems, rule.maxItems, rule.length].some((part) => part !== undefined)) {
    if (!Array.isArray(value)) {
      if (!rule.type) found.push(`field "${where}" expected array but got ${typeOf(value)}`);
    } else {
      found.push(...lengthProblems(value, rule, where));
      if (rule.items !== undefined) {
        const item = asRule(rule.items);
        value.forEach((element, i) => found.push(...valueProblems(element, item, `${where}[${i}]`)));
      }
    }
  }
  if (rule.properties) {
    if (isObject(value)) found.push(...objectProblems(value, rule.properties, `${where}.`));
    else if (!rule.type) found.push(`field "${where}" expected object but got ${typeOf(value)}`);
  }
  return found;
}

function objectProblems(value, schema, prefix) {
  if (!isObject(value)) {
    const where = prefix ? `at "${prefix.replace(/\.$/, "")}"` : "at the root";
    return [`expected an object ${where} but got ${typeOf(value)}`];
  }
  const found = [];
  for (const [field, raw] of Object.entries(schema)) {
    const rule = asRule(raw);
    const where = `${prefix}${field}`;
    if (Object.hasOwn(value, field) && value[field] !== undefined) found.push(...valueProblems(value[field], rule, where));
    else if (rule.required) found.push(`field "${where}" is required but missing`);
  }
  return found;
}

/** Throws one error that lists all violations, with errorCode SCHEMA_VALIDATION. */
function assertShape(value, schema, stepId) {
  const problems = objectProblems(value, schema, "");
  if (problems.length === 0) return;
  const error = new Error(`Step "${stepId}" output failed schema validation: ${problems.join("; ")}`);
  error.errorCode = "SCHEMA_VALIDATION";
  throw error;
}

module.exports = { assertShape };
