// The steps without children. Each function takes a step and the context `$` and returns the result.
"use strict";
const { exec, spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { promisify } = require("node:util");
const { assertShape } = require("./shapes.cjs");
const { evaluate, put, resolve } = require("./values.cjs");

const AsyncFunction = (async () => {}).constructor;
const run = promisify(exec);
const MAX_OUTPUT = 10 * 1024 * 1024;

/** Output that is not JSON can be neither saved nor printed, so its step fails. */
function whole(output) {
  if ((typeof output === "object" && output !== null) || typeof output === "bigint") JSON.stringify(output);
  return output;
}

const success = (output, response = output) => ({ status: "success", output, response });

function transform(step, $) {
  return success(whole(evaluate(step.transform.expression, $)));
}

// -- inline code

const MODULES = ["buffer", "crypto", "url", "path"];
const BLOCKED = ["fs", "http", "https", "net", "child_process", "process", "os", "cluster", "dgram", "tls", "vm", "worker_threads"];

async function sandboxed(name) {
  const bare = name.replace(/^node:/, "");
  if (BLOCKED.includes(bare)) throw new Error(`Module "${name}" is blocked in code steps`);
  if (!MODULES.includes(bare)) throw new Error(`Module "${name}" not available. Allowed: ${MODULES.join(", ")}`);
  return import(`node:${bare}`);
}

/** Lines that V8 adds before the body of a function made from text. */
const WRAPPER_LINES = 2;

function frameOf(id) {
  // As in One CLI, which uses the id as a regular expression if it is one.
  const rest = ":(\\d+):(\\d+)";
  try {
    return new RegExp(`code:${id}${rest}`);
  } catch {
    return new RegExp(`code:${String(id).replace(/[^\w]/g, "\\$&")}${rest}`);
  }
}

/** Adds the line of the user's source that threw. */
function located(error, step) {
  if (!(error instanceof Error)) return new Error(String(error));
  const frame = (error.stack || "").match(frameOf(step.id));
  if (!frame) {
    error.message = `Code step "${step.id}" failed: ${error.message}`;
  } else {
    const line = Number(frame[1]) - WRAPPER_LINES;
    const source = (step.code.source.split("\n")[line - 1] ?? "").trim();
    error.message = `Code step "${step.id}" failed at line ${line}:${Number(frame[2])}\n  ${source}\n  ${error.message}`;
  }
  return error;
}

async function code(step, $, root) {
  if (step.code.module) return codeModule(step, $, root);
  const { source } = step.code;
  if (typeof source !== "string") throw new Error(`Code step "${step.id}" must define either "source" or "module"`);
  const body = new AsyncFunction("$", "require", `${source}\n//# sourceURL=code:${step.id}`);
  let output;
  try {
    output = await body($, sandboxed);
  } catch (error) {
    throw located(error, step);
  }
  return success(whole(output));
}

/** Why a source cannot be parsed, or null. */
function syntaxError(source) {
  try {
    new AsyncFunction("$", "require", source);
    return null;
  } catch (error) {
    return error.message;
  }
}

// -- code in a module: a child process with the context on its standard input

function modulePath(step, root) {
  const name = step.code.module;
  if (!root) {
    throw new Error(`Code step "${step.id}" uses module "${name}" but no flow rootDir is available. Flows that use code modules must be loaded via loadFlowWithMeta.`);
  }
  if (path.isAbsolute(name)) throw new Error(`Code module path must be relative to the flow root, got absolute: "${name}"`);
  const full = path.resolve(root, name);
  const inside = path.relative(root, full);
  if (inside.startsWith("..") || path.isAbsolute(inside)) throw new Error(`Code module "${name}" resolves outside the flow directory`);
  if (!fs.existsSync(full)) throw new Error(`Code module not found: ${full}`);
  return full;
}

async function codeModule(step, $, root) {
  const name = step.code.module;
  const file = modulePath(step, root);
  const { env: _env, ...rest } = $;
  const input = JSON.stringify(rest);
  const [exitCode, stdout, stderr] = await new Promise((done, fail) => {
    const child = spawn(process.execPath, [file], { cwd: root, stdio: ["pipe", "pipe", "pipe"] });
    const out = [];
    const err = [];
    child.stdout.on("data", (chunk) => out.push(chunk));
    child.stderr.on("data", (chunk) => err.push(chunk));
    child.on("error", fail);
    child.on("close", (status) => done([status, Buffer.concat(out).toString(), Buffer.concat(err).toString()]));
    child.stdin.on("error", () => {}); // a module need not read its input
    child.stdin.end(input);
  });
  if (exitCode !== 0) throw new Error(`Code module "${name}" exited with code ${exitCode}${stderr ? `: ${stderr.trim()}` : ""}`);
  if (stdout.trim() === "") return success(undefined);
  try {
    return success(JSON.parse(unfenced(stdout)));
  } catch (error) {
    throw new Error(`Code module "${name}" did not print valid JSON to stdout: ${error.message}`);
  }
}

// -- files

function fileRead(step, $) {
  const config = step.fileRead;
  const content = fs.readFileSync(path.resolve(resolve(config.path, $)), "utf-8");
  if (!config.parseJson) return success(content);
  const output = JSON.parse(unfenced(content));
  if (config.schema) assertShape(output, config.schema, step.id);
  return success(output);
}

function fileWrite(step, $) {
  const config = step.fileWrite;
  const name = resolve(config.path, $);
  const value = resolve(config.content, $);
  const file = path.resolve(name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const content = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  if (config.append) fs.appendFileSync(file, content);
  else fs.writeFileSync(file, content);
  return success({ path: file, bytesWritten: content.length }, { path: file });
}

// -- bash

const asText = (value) => (value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

function tempJson(step, key, value) {
  const unsafe = /[^\w.-]/g; // an id may contain slashes
  const name = ["one-flow", step.id, key].map((part) => String(part).replace(unsafe, "_").slice(0, 60)).join("-");
  const file = path.join(os.tmpdir(), `${name}-${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2, 8)}.json`);
  fs.writeFileSync(file, JSON.stringify(value ?? null), { mode: 0o600 });
  return file;
}

function bashEnv(step, $, temporary) {
  const env = {};
  for (const [key, raw] of Object.entries(step.bash.env ?? {})) {
    if (raw === undefined || raw === null) continue;
    const structured = typeof raw === "object" && !Array.isArray(raw);
    if (structured && "json" in raw) {
      temporary.push(tempJson(step, key, resolve(raw.json, $)));
      env[key] = temporary.at(-1);
    } else if (structured && "shell" in raw) {
      env[key] = asText(resolve(raw.shell, $));
    } else {
      env[key] = structured ? JSON.stringify(resolve(raw, $)) : asText(resolve(raw, $));
    }
  }
  return env;
}

async function bash(step, $, usual) {
  const config = step.bash;
  const command = resolve(config.command, $);
  const cwd = config.cwd ? resolve(config.cwd, $) : process.cwd();
  const temporary = [];
  try {
    const own = bashEnv(step, $, temporary);
    const env = config.env ? { ...process.env, ...own } : process.env;
    const { stdout, stderr } = await run(command, { timeout: config.timeout || usual, cwd, env, maxBuffer: MAX_OUTPUT });
    const output = config.parseEnvelope ? unwrapped(stdout, step.id) : config.parseJson ? JSON.parse(unfenced(stdout)) : stdout.trim();
    return success(output, { stdout: stdout.trim(), stderr: stderr.trim(), exitCode: 0 });
  } finally {
    for (const file of temporary) fs.rmSync(file, { force: true });
  }
}

/** Text without the code fence that models put around JSON. */
function unfenced(text) {
  const trimmed = text.trim();
  const fence = trimmed.match(/^```\w*\s*\n([\s\S]*?)\n\s*```\s*$/);
  return fence ? fence[1].trim() : trimmed;
}

/** From the first bracket to the last: models put prose around JSON. */
function jsonBody(text) {
  const bare = unfenced(text);
  const start = bare.search(/[{[]/);
  const end = Math.max(bare.lastIndexOf("}"), bare.lastIndexOf("]"));
  return start >= 0 && end > start ? bare.slice(start, end + 1) : bare;
}

/** The JSON inside the envelope of an agent's command line (`{"type":"result","result":"..."}`), or inside plain text. */
function unwrapped(stdout, id) {
  let envelope = stdout.trim();
  try {
    envelope = JSON.parse(envelope);
  } catch {
    // no envelope: the text is the result
  }
  if (envelope && typeof envelope === "object" && !Array.isArray(envelope) && envelope.type === "result" && typeof envelope.result === "string") {
    envelope = envelope.result;
  }
  if (typeof envelope !== "string") return envelope;
  const payload = jsonBody(envelope);
  try {
    return JSON.parse(payload);
  } catch (error) {
    const snippet = payload.length > 200 ? `${payload.slice(0, 200)}…` : payload;
    throw new Error(`Bash step "${id}" parseEnvelope: claude output was not valid JSON after unwrapping (${error.message}). Got: ${snippet}`);
  }
}

// -- the results of --mock

function mock(step, $) {
  const config = step[step.type] ? resolve(step[step.type], $) : {};
  const output = {};
  for (const [key, value] of Object.entries({ _mock: true, ...config })) put(output, key, value);
  return { config, result: { status: "success", output, response: { _mock: true } } };
}

module.exports = { transform, code, syntaxError, fileRead, fileWrite, bash, mock };
