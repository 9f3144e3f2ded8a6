"""What `node --test` loads first: a test file that ends itself with success is a failure.

`process.exit(0)` in a tested file ends the file's process before its tests, and node takes that
for a pass. Knows nothing of reports: what it says is read from standard error.
"""

from __future__ import annotations

# The runner marks its environment with its own id, so that only the processes that it starts for
# test files are watched: neither itself, nor npm, nor programs that a test starts. What is wrapped
# is what `process.exit` calls last: a test may replace `process.exit`. Left alone are ends with
# another code than 0, those by node's runner (--test-force-exit) and by installed packages alone,
# and those of a test file without `node:test`, which is a script and may end as it likes.
GUARD = """\
"use strict";
const { realpathSync, writeSync } = require("node:fs");
const { fileURLToPath } = require("node:url");
const { isMainThread } = require("node:worker_threads");

const MARK = "QWENAGENT_TEST_RUNNER";
const NONE = /^--(?:experimental-)?test-isolation=none$/;

function callers(below) {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 100;
    Error.prepareStackTrace = (_, sites) => sites;
    const holder = {};
    Error.captureStackTrace(holder, below);
    return Array.isArray(holder.stack) ? holder.stack.map(place) : [];
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function place(site) {
  const name = site.getFileName() ?? "";
  const file = name.startsWith("file:") ? fileURLToPath(name) : name;
  return { file, text: `${file}:${site.getLineNumber()}:${site.getColumnNumber()}` };
}

function real(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function watch() {
  const end = process.reallyExit;
  const main = process.argv.slice(1).map(real);

  function isMeant(frames, by) {
    const first = frames.find(({ file }) => file && !file.startsWith("node:internal/process/"));
    if (first && /^node:internal\\/(?:test_runner|main)\\//.test(first.file)) return true;
    if (!by && frames.some(({ file }) => file && !file.startsWith("node:"))) return true;
    const isScript = process.moduleLoadList?.includes("NativeModule test") === false;
    return isScript && (!by || main.includes(real(by.file)));
  }

  function guarded(code) {
    if (code) return end.call(process, code);
    const frames = callers(guarded);
    const isOwn = ({ file }) => file && !/^node:|[\\\\/]node_modules[\\\\/]/.test(file);
    const by = frames.find(isOwn);
    if (isMeant(frames, by)) return end.call(process, code);
    const at = by ? `    at ${by.text}\\n` : "";
    try {
      writeSync(2, `\\nError: process.exit(0) ended this test file before its tests did\\n${at}`);
    } catch {
      // Nobody reads it; the exit code says it, too.
    }
    return end.call(process, 1);
  }
  process.reallyExit = guarded;
}

if (isMainThread) {
  const isRunner = process.execArgv.includes("--test");
  const isFile = process.env[MARK] === String(process.ppid);
  delete process.env[MARK];
  if (isFile || (isRunner && process.execArgv.some((word) => NONE.test(word)))) watch();
  else if (isRunner) process.env[MARK] = String(process.pid);
}
"""
