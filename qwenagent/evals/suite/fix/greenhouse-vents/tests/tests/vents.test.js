import assert from "node:assert/strict";
import { test } from "node:test";

import { opening, plan, settingsOf } from "../vents.js";

const CALM = { wind: 2 };

test("the vents stay shut up to the target", () => {
  assert.equal(opening({ target: 20 }, { ...CALM, temperature: 12 }), 0);
  assert.equal(opening({ target: 20 }, { ...CALM, temperature: 20 }), 0);
});

test("the vents open with every degree", () => {
  assert.equal(opening({ target: 20 }, { ...CALM, temperature: 22 }), 40);
  assert.equal(opening({ target: 20, perDegree: 5 }, { ...CALM, temperature: 22.5 }), 13);
  assert.equal(opening({ target: 20 }, { ...CALM, temperature: 40 }), 100);
});

test("a zone may leave its settings out", () => {
  assert.equal(opening({}, { ...CALM, temperature: 20 }), 40);
});

test("a zone has an opening of its own", () => {
  assert.equal(opening({ maxOpening: 30 }, { ...CALM, temperature: 30 }), 30);
  assert.equal(opening({ maxOpening: 0 }, { ...CALM, temperature: 30 }), 0);
});

test("wind keeps the vents down", () => {
  assert.equal(opening({}, { temperature: 30, wind: 7.9 }), 100);
  assert.equal(opening({}, { temperature: 30, wind: 8 }), 40);
  assert.equal(opening({}, { temperature: 30, wind: 14 }), 0);
});

test("rain halves the opening", () => {
  assert.equal(opening({}, { ...CALM, temperature: 19.25, rain: true }), 12);
  assert.equal(opening({}, { temperature: 30, wind: 8, rain: true }), 20);
});

test("an alpine house is kept at the freezing point", () => {
  const alpine = { name: "alpine", target: 0 };
  assert.equal(opening(alpine, { ...CALM, temperature: 3 }), 60);
  assert.equal(opening(alpine, { ...CALM, temperature: -4 }), 0);
});

test("a plan for all zones", () => {
  const zones = [
    { name: "alpine", target: 0, perDegree: 10 },
    { name: "palms", target: 24 },
    { name: "seedlings" },
  ];
  const readings = {
    alpine: { ...CALM, temperature: 4 },
    palms: { ...CALM, temperature: 25 },
  };
  assert.deepEqual(plan(zones, readings), { alpine: 40, palms: 20, seedlings: 0 });
});

test("settings given as zero are kept", () => {
  assert.deepEqual(settingsOf({ target: 0, perDegree: 0, maxOpening: 0 }), {
    target: 0,
    perDegree: 0,
    maxOpening: 0,
  });
  assert.deepEqual(settingsOf({}), { target: 18, perDegree: 20, maxOpening: 100 });
});
