// Evaluates calls in node and writes down what each of them gave.
//
// Started as `node probe.mjs TASK RESULTS`; TASK and RESULTS are those of
// probe.py. A value is compared as JSON is, with a tolerance for numbers.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

const MAX_SHOWN_CHARS = 200;
const [taskPath, resultsPath] = process.argv.splice(2);
const task = JSON.parse(fs.readFileSync(taskPath, "utf8"));
fs.unlinkSync(taskPath);
const results = fs.openSync(resultsPath, "a");
const { stringify } = JSON;
const { writeSync } = fs;
const { exit } = process;
const KEY = "example under test";

class TooSlow extends Error {}
class OfAClass extends Error {}

for (const item of task.calls) {
  const verdict = await judge(item);
  writeSync(results, `${stringify({ id: item.id, ...verdict })}\n`);
}
exit(0);

async function judge(item) {
  let got;
  try {
    const names = Object.keys(item.files);
    const values = [];
    for (const name of names) values.push(await lookUp(name, item.files[name]));
    got = await evaluate(item.call, names, values);
  } catch (error) {
    return raised(item, error);
  }
  if (item.raises) return { passed: false, said: `gave ${shown(got)}`, trace: "" };
  const expected = vm.runInThisContext(`(${item.expected})`);
  return { passed: same(plain(got), plain(expected)), said: `gave ${shown(got)}`, trace: "" };
}

async function evaluate(call, names, values) {
  const run = new Function(...names, `return (${call});`);
  globalThis[KEY] = () => run(...values);
  const ms = task.seconds * 1000;
  let timer;
  try {
    // Only what a script of `vm` calls can be interrupted.
    const got = vm.runInThisContext(`globalThis[${stringify(KEY)}]()`, { timeout: ms });
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new TooSlow()), ms);
    });
    return await Promise.race([got, late]);
  } finally {
    clearTimeout(timer);
    delete globalThis[KEY];
  }
}

async function lookUp(name, file) {
  const full = path.join(task.root, file);
  if (!fs.existsSync(full)) throw new Error(`${file} is not there`);
  const module = await import(pathToFileURL(full).href);
  if (name in module) return module[name];
  const main = module.default;
  if (main && Object.hasOwn(main, name)) return main[name];
  if (typeof main === "function" && ["", "default", name].includes(main.name)) return main;
  const isMethod = [main, ...Object.values(module)].some((it) => hasMethod(it, name));
  if (isMethod) throw new OfAClass(`${name} is a method in ${file}`);
  throw new Error(`${file} does not export ${name}`);
}

function hasMethod(value, name) {
  return typeof value === "function" && Object.hasOwn(value.prototype ?? {}, name);
}

function raised(item, error) {
  if (error instanceof OfAClass) return { passed: null, said: error.message, trace: "" };
  if (error instanceof TooSlow || error?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT") {
    return { passed: false, said: `did not end within ${task.seconds} s`, trace: "" };
  }
  const names = [error?.name];
  for (let at = error; at; at = Object.getPrototypeOf(at)) names.push(at.constructor?.name);
  const wanted = item.expected.split(".").pop();
  const name = error instanceof Error ? error.name : shown(error);
  const trace = String(error?.stack ?? error).slice(0, 20000);
  return { passed: item.raises && names.includes(wanted), said: `threw ${name}`, trace };
}

function plain(value) {
  return typeof value?.toJSON === "function" ? value.toJSON() : value;
}

function same(got, expected) {
  if (typeof got === "number" && typeof expected === "number") {
    const largest = Math.max(Math.abs(got), Math.abs(expected));
    return Object.is(got, expected) || Math.abs(got - expected) <= 1e-9 * Math.max(1, largest);
  }
  if (got === null || expected === null || typeof got !== "object" || typeof expected !== "object") {
    return got === expected;
  }
  if (Array.isArray(got) !== Array.isArray(expected)) return false;
  if (got instanceof Map || got instanceof Set) return false;
  const keys = keysOf(got);
  if (keys.length !== keysOf(expected).length || got.length !== expected.length) return false;
  return keys.every((key) => Object.hasOwn(expected, key) && same(plain(got[key]), expected[key]));
}

function keysOf(object) {
  return Object.keys(object).filter((key) => object[key] !== undefined);
}

function shown(value) {
  let text;
  try {
    text = typeof value === "function" ? "a function" : stringify(value) ?? String(value);
    if (typeof value === "number") text = String(value);
  } catch {
    text = `a ${typeof value}`;
  }
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS - 4)} ...`;
}
