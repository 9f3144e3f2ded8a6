import assert from "node:assert/strict";
import { test } from "node:test";

import { Program } from "../src/program.js";
import { Zone } from "../src/zones.js";

const beans = new Zone("Beans", "loam", 12);
const leeks = new Zone("Leeks", "sand", 8);

test("runs come in order of time", () => {
  const program = new Program("dry").add(leeks, 420, 15).add(beans, 390, 20);
  assert.deepEqual(program.runs(), [
    { zone: beans, start: 390, minutes: 20 },
    { zone: leeks, start: 420, minutes: 15 },
  ]);
});

test("runs do not overlap", () => {
  const program = new Program("dry").add(beans, 390, 20);
  assert.throws(() => program.add(leeks, 400, 15), new RangeError("Leeks: Beans runs at 06:30"));
  assert.equal(program.runs().length, 1);
});

test("a run may begin when another ends", () => {
  assert.equal(new Program("dry").add(beans, 390, 20).add(leeks, 410, 15).runs().length, 2);
});

test("runs have a length", () => {
  assert.throws(() => new Program("dry").add(beans, 390, 0), /at least one minute/);
  assert.throws(() => new Program("dry").add(beans, 390, 2.5), /at least one minute/);
});

test("runs lie within the day", () => {
  assert.throws(() => new Program("dry").add(beans, 1430, 20), /within the day/);
});

test("litres of a program", () => {
  assert.equal(new Program("dry").litres(), 0);
  assert.equal(new Program("dry").add(beans, 390, 20).add(leeks, 420, 15).litres(), 360);
});

test("what is watered at a time", () => {
  const program = new Program("dry").add(beans, 390, 20);
  assert.equal(program.zoneAt(390), beans);
  assert.equal(program.zoneAt(409), beans);
  assert.equal(program.zoneAt(410), null);
});

test("runs cannot be changed from outside", () => {
  const program = new Program("dry").add(beans, 390, 20);
  program.runs()[0].minutes = 99;
  assert.equal(program.runs()[0].minutes, 20);
});
