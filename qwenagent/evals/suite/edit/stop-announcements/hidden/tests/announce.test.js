import assert from "node:assert/strict";
import { test } from "node:test";

import { announce } from "../announce.js";

test("a plain stop", () => {
  assert.equal(announce({ name: "Harbour" }), "Next stop: Harbour.");
  assert.equal(announce({ name: "Harbour", lines: [] }), "Next stop: Harbour.");
});

test("one line to change to", () => {
  assert.equal(
    announce({ name: "Harbour", lines: ["7"], terminus: false }),
    "Next stop: Harbour. Change here for 7.",
  );
});

test("more lines keep their order", () => {
  assert.equal(
    announce({ name: "Mill Street", lines: ["12", "7", "X3"] }),
    "Next stop: Mill Street. Change here for 12, 7, X3.",
  );
});

test("the terminus", () => {
  assert.equal(
    announce({ name: "Harbour", terminus: true }),
    "Next stop: Harbour. Please leave the bus.",
  );
  assert.equal(
    announce({ name: "Harbour", lines: ["7"], terminus: true }),
    "Next stop: Harbour. Change here for 7. Please leave the bus.",
  );
});
