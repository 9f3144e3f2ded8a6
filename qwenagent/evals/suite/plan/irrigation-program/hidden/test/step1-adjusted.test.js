import assert from "node:assert/strict";
import { test } from "node:test";

import { Program } from "../src/program.js";
import { Zone } from "../src/zones.js";

const beans = new Zone("Beans", "loam", 12);
const leeks = new Zone("Leeks", "sand", 8);

function dry() {
  return new Program("dry").add(beans, 390, 20).add(leeks, 420, 15).add(beans, 1080, 5);
}

test("all runs are adjusted", () => {
  assert.deepEqual(dry().adjusted(() => 60).runs(), [
    { zone: beans, start: 390, minutes: 12 },
    { zone: leeks, start: 420, minutes: 9 },
    { zone: beans, start: 1080, minutes: 3 },
  ]);
});

test("the percentage depends on the zone", () => {
  const runs = dry().adjusted((zone) => (zone.soil === "sand" ? 80 : 100)).runs();
  assert.deepEqual(
    runs.map((run) => run.minutes),
    [20, 12, 5],
  );
});

test("the result is another program of the same name", () => {
  const program = dry();
  const same = program.adjusted(() => 100);
  assert.ok(same instanceof Program);
  assert.notEqual(same, program);
  assert.equal(same.name, "dry");
  assert.deepEqual(same.runs(), program.runs());
});

test("the program stays as it was", () => {
  const program = dry();
  program.adjusted(() => 0);
  assert.equal(program.litres(), 420);
});

test("lengths are rounded and short runs left out", () => {
  const program = new Program("p").add(beans, 0, 1).add(leeks, 60, 2).add(beans, 120, 5);
  assert.deepEqual(program.adjusted(() => 30).runs(), [
    { zone: leeks, start: 60, minutes: 1 },
    { zone: beans, start: 120, minutes: 2 },
  ]);
});

test("nothing is left of 0 percent", () => {
  assert.deepEqual(dry().adjusted(() => 0).runs(), []);
});

test("more than 100 percent", () => {
  assert.equal(dry().adjusted(() => 120).runs()[0].minutes, 24);
});

test("longer runs may not overlap", () => {
  assert.throws(() => dry().adjusted(() => 200), new RangeError("Leeks: Beans runs at 06:30"));
});

test("negative percentages", () => {
  assert.throws(() => dry().adjusted(() => -1), new RangeError("percentage must not be negative"));
});

test("an empty program", () => {
  assert.deepEqual(new Program("wet").adjusted(() => 50).runs(), []);
});
