import assert from "node:assert/strict";
import { test } from "node:test";

import { Zone } from "../src/zones.js";

test("a zone takes water", () => {
  assert.equal(new Zone("Beans", "loam", 12).litres(20), 240);
});

test("a zone needs a name", () => {
  assert.throws(() => new Zone("", "loam", 12), TypeError);
});

test("the soil is known", () => {
  assert.throws(() => new Zone("Beans", "peat", 12), /unknown soil: peat/);
});

test("litres per minute are above 0", () => {
  assert.throws(() => new Zone("Beans", "loam", 0), /Beans: litres per minute/);
});
