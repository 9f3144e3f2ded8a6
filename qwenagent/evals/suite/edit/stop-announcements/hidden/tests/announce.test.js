import assert from "node:assert/strict";
import { test } from "node:test";

import { announce } from "../announce.js";

test("a plain stop", () => {
  assert.equal(announce({ name: "Harbour" }), "Next stop: Harbour.");
  assert.equal(announce({ name: "Harbour", lines: [] }), "Next stop: Harbour.");
});

test("one line to change to", () => {
  assert.equal(
    announce({ name: "Harbour", lines: ["7"] }),
    "Next stop: Harbour. Change here for line 7.",
  );
});

test("two lines are joined by and", () => {
  assert.equal(
    announce({ name: "Harbour", lines: ["7", "12"] }),
    "Next stop: Harbour. Change here for lines 7 and 12.",
  );
});

test("more lines keep their order", () => {
  assert.equal(
    announce({ name: "Harbour", lines: ["12", "7", "X3", "1"] }),
    "Next stop: Harbour. Change here for lines 12, 7, X3 and 1.",
  );
});

test("a line given twice is spoken once", () => {
  assert.equal(
    announce({ name: "Harbour", lines: ["12", "7", "12"] }),
    "Next stop: Harbour. Change here for lines 12 and 7.",
  );
  assert.equal(
    announce({ name: "Harbour", lines: ["7", "7"] }),
    "Next stop: Harbour. Change here for line 7.",
  );
});

test("the terminus", () => {
  assert.equal(
    announce({ name: "Harbour", terminus: true }),
    "This is Harbour, the last stop. Please leave the bus.",
  );
  assert.equal(
    announce({ name: "Harbour", lines: ["7"], terminus: true }),
    "This is Harbour, the last stop. Change here for line 7. Please leave the bus.",
  );
});

test("short words are spoken in full", () => {
  assert.equal(announce({ name: "Mill St" }), "Next stop: Mill Street.");
  assert.equal(announce({ name: "Mill St." }), "Next stop: Mill Street.");
  assert.equal(announce({ name: "King Sq. / Low Rd" }), "Next stop: King Square / Low Road.");
});

test("only whole words are replaced", () => {
  assert.equal(announce({ name: "Stone Rd" }), "Next stop: Stone Road.");
  assert.equal(announce({ name: "EAST ST" }), "Next stop: EAST ST.");
  assert.equal(announce({ name: "Rdale No. 4" }), "Next stop: Rdale No. 4.");
});

test("spaces around the name go", () => {
  assert.equal(announce({ name: "  Low Rd " }), "Next stop: Low Road.");
});

test("a stop needs a name", () => {
  const expected = { name: "RangeError", message: "stop has no name" };
  assert.throws(() => announce({ name: "" }), expected);
  assert.throws(() => announce({ name: "   ", lines: ["7"] }), expected);
});

test("the stop is left as it was", () => {
  const stop = { name: " Mill St ", lines: ["4", "4", "12"], terminus: true };
  announce(stop);
  assert.deepEqual(stop, { name: " Mill St ", lines: ["4", "4", "12"], terminus: true });
});
