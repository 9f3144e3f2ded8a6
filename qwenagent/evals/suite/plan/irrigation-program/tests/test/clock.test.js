import assert from "node:assert/strict";
import { test } from "node:test";

import { formatClock, parseClock } from "../src/clock.js";

test("reads times", () => {
  assert.equal(parseClock("6:30"), 390);
  assert.equal(parseClock("00:00"), 0);
  assert.equal(parseClock("23:59"), 1439);
});

test("refuses what is no time", () => {
  for (const text of ["", "6", "24:00", "12:60", "6:3", "a:bc"]) {
    assert.throws(() => parseClock(text), new RangeError(`not a time of day: ${text}`));
  }
});

test("writes times", () => {
  assert.equal(formatClock(390), "06:30");
  assert.equal(formatClock(1440), "00:00");
});
