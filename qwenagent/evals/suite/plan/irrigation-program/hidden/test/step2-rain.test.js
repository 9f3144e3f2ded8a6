import assert from "node:assert/strict";
import { test } from "node:test";

import { Program } from "../src/program.js";
import { afterRain, percentAfterRain } from "../src/rain.js";
import { Zone } from "../src/zones.js";

const beans = new Zone("Beans", "loam", 12);
const leeks = new Zone("Leeks", "sand", 8);
const kale = new Zone("Kale", "clay", 10);

function percentages(millimetres) {
  return ["sand", "loam", "clay"].map((soil) => percentAfterRain(soil, millimetres));
}

test("little rain changes nothing", () => {
  assert.deepEqual(percentages(0), [100, 100, 100]);
  assert.deepEqual(percentages(2.9), [100, 100, 100]);
});

test("some rain", () => {
  assert.deepEqual(percentages(3), [80, 60, 50]);
  assert.deepEqual(percentages(9.9), [80, 60, 50]);
});

test("much rain", () => {
  assert.deepEqual(percentages(10), [40, 20, 0]);
  assert.deepEqual(percentages(55), [40, 20, 0]);
});

test("unknown soil", () => {
  for (const millimetres of [0, 5, 20]) {
    assert.throws(
      () => percentAfterRain("peat", millimetres),
      new RangeError("unknown soil: peat"),
    );
  }
});

test("a program after some rain", () => {
  const dry = new Program("dry").add(beans, 390, 20).add(leeks, 420, 15).add(kale, 440, 30);
  assert.deepEqual(afterRain(dry, 4).runs(), [
    { zone: beans, start: 390, minutes: 12 },
    { zone: leeks, start: 420, minutes: 12 },
    { zone: kale, start: 440, minutes: 15 },
  ]);
});

test("a program after much rain", () => {
  const dry = new Program("dry").add(beans, 390, 20).add(kale, 440, 30);
  assert.deepEqual(afterRain(dry, 12).runs(), [{ zone: beans, start: 390, minutes: 4 }]);
  assert.equal(dry.runs().length, 2);
});
