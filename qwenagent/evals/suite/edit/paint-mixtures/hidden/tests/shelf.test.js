import assert from "node:assert/strict";
import { test } from "node:test";

import { Shelf } from "../src/shelf.js";

function shelfWithPaints() {
  const shelf = new Shelf();
  shelf.add({ code: "W1", name: "white", pence: 900, stock: 7 });
  shelf.add({ code: "B2", name: "blue", pence: 1250, stock: 5 });
  return shelf;
}

const SKY = { code: "M5", name: "sky", parts: { W1: 3, B2: 1 }, fee: 300 };

test("paints work as before", () => {
  const shelf = shelfWithPaints();
  assert.deepEqual(shelf.get("B2"), { code: "B2", name: "blue", pence: 1250, stock: 5 });
  shelf.take("B2", 2);
  assert.equal(shelf.get("B2").stock, 3);
  assert.throws(() => shelf.take("B2", 4), { message: "not enough of B2: need 4, have 3" });
  assert.throws(() => shelf.get("X9"), { message: "no such code: X9" });
  assert.throws(() => shelf.add({ code: "B2", name: "blue", pence: 1 }), {
    message: "code B2 is taken",
  });
});

test("a mixture has a price and a stock", () => {
  const shelf = shelfWithPaints();
  shelf.addMixture(SKY);
  assert.deepEqual(shelf.get("M5"), { code: "M5", name: "sky", pence: 4250, stock: 2 });
});

test("the stock of a mixture follows its paints", () => {
  const shelf = shelfWithPaints();
  shelf.addMixture(SKY);
  shelf.take("W1", 2);
  assert.equal(shelf.get("M5").stock, 1);
  shelf.take("B2", 5);
  assert.equal(shelf.get("M5").stock, 0);
});

test("codes of both, sorted", () => {
  const shelf = shelfWithPaints();
  shelf.addMixture(SKY);
  shelf.addMixture({ ...SKY, code: "A7" });
  assert.deepEqual(shelf.codes(), ["A7", "B2", "M5", "W1"]);
});

test("a code is used once", () => {
  const shelf = shelfWithPaints();
  shelf.addMixture(SKY);
  const taken = { name: "Error", message: "code M5 is taken" };
  assert.throws(() => shelf.addMixture(SKY), taken);
  assert.throws(() => shelf.add({ code: "M5", name: "mint", pence: 1 }), taken);
  assert.throws(() => shelf.addMixture({ ...SKY, code: "W1" }), { message: "code W1 is taken" });
});

test("parts have to be paints", () => {
  const shelf = shelfWithPaints();
  shelf.addMixture(SKY);
  const night = { code: "M6", name: "night", fee: 300 };
  assert.throws(() => shelf.addMixture({ ...night, parts: { B2: 1, X9: 1, X8: 1 } }), {
    name: "Error",
    message: "not a paint: X9",
  });
  assert.throws(() => shelf.addMixture({ ...night, parts: { M5: 1 } }), {
    message: "not a paint: M5",
  });
  assert.throws(() => shelf.addMixture({ ...night, code: "M5", parts: { X9: 1 } }), {
    message: "code M5 is taken",
  });
  assert.deepEqual(shelf.codes(), ["B2", "M5", "W1"]);
});

test("what is needed", () => {
  const shelf = shelfWithPaints();
  shelf.addMixture(SKY);
  assert.deepEqual(shelf.needs("B2", 4), { B2: 4 });
  assert.deepEqual(shelf.needs("M5", 1), { W1: 3, B2: 1 });
  assert.deepEqual(shelf.needs("M5", 20), { W1: 60, B2: 20 });
  assert.deepEqual(shelf.needs("M5", 1), { W1: 3, B2: 1 });
  assert.throws(() => shelf.needs("X9", 1), { message: "no such code: X9" });
});
