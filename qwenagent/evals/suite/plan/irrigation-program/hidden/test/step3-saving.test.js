import assert from "node:assert/strict";
import { test } from "node:test";

import { Program } from "../src/program.js";
import { savingText } from "../src/report.js";
import { Zone } from "../src/zones.js";

const beans = new Zone("Beans", "loam", 12);
const leeks = new Zone("Leeks", "sand", 8);
const kale = new Zone("Kale", "clay", 10);

function dry() {
  return new Program("dry")
    .add(leeks, 420, 15)
    .add(beans, 390, 20)
    .add(leeks, 1080, 5)
    .add(kale, 1100, 10);
}

test("zones in the order of their first runs", () => {
  const after = new Program("dry").add(beans, 390, 10).add(leeks, 420, 15).add(leeks, 1080, 5);
  assert.equal(
    savingText(dry(), after),
    "Beans: 240 l -> 120 l\nLeeks: 160 l\nKale: 100 l -> 0 l\nsaved: 220 l",
  );
});

test("runs of a zone are added up", () => {
  const after = new Program("dry").add(leeks, 420, 5).add(leeks, 1080, 5);
  assert.equal(
    savingText(new Program("dry").add(leeks, 420, 15).add(leeks, 1080, 5), after),
    "Leeks: 160 l -> 80 l\nsaved: 80 l",
  );
});

test("zones are known by name", () => {
  const before = new Program("dry").add(new Zone("Beans", "loam", 12), 390, 20);
  const after = new Program("dry").add(new Zone("Beans", "loam", 12), 600, 20);
  assert.equal(savingText(before, after), "Beans: 240 l\nsaved: 0 l");
});

test("nothing to save", () => {
  assert.equal(savingText(new Program("a"), new Program("b")), "saved: 0 l");
});

test("all is saved", () => {
  const before = new Program("dry").add(beans, 390, 20);
  assert.equal(savingText(before, new Program("wet")), "Beans: 240 l -> 0 l\nsaved: 240 l");
});
