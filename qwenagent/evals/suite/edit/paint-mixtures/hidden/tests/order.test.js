import assert from "node:assert/strict";
import { test } from "node:test";

import { placeOrder, priceOrder } from "../src/order.js";
import { Shelf } from "../src/shelf.js";

function stockedShelf() {
  const shelf = new Shelf();
  shelf.add({ code: "W1", name: "white", pence: 900, stock: 7 });
  shelf.add({ code: "B2", name: "blue", pence: 1250, stock: 5 });
  shelf.add({ code: "R3", name: "red", pence: 1100, stock: 1 });
  shelf.addMixture({ code: "M5", name: "sky", parts: { W1: 3, B2: 1 }, fee: 300 });
  shelf.addMixture({ code: "M6", name: "lilac", parts: { R3: 1, B2: 2 }, fee: 0 });
  return shelf;
}

function stocks(shelf) {
  return ["W1", "B2", "R3"].map((code) => shelf.get(code).stock);
}

test("prices of paints and mixtures", () => {
  const shelf = stockedShelf();
  assert.deepEqual(priceOrder(shelf, [{ code: "R3", quantity: 2 }]), {
    lines: [{ code: "R3", name: "red", quantity: 2, pence: 2200 }],
    delivery: 450,
    total: 2650,
  });
  assert.deepEqual(priceOrder(shelf, [{ code: "M5", quantity: 9 }]), {
    lines: [{ code: "M5", name: "sky", quantity: 9, pence: 38250 }],
    delivery: 0,
    total: 38250,
  });
  assert.deepEqual(stocks(shelf), [7, 5, 1]);
});

test("an order takes its tins", () => {
  const shelf = stockedShelf();
  const lines = [
    { code: "M5", quantity: 2 },
    { code: "B2", quantity: 3 },
  ];
  const expected = priceOrder(shelf, lines);
  assert.deepEqual(placeOrder(shelf, lines), expected);
  assert.equal(expected.total, 12250);
  assert.deepEqual(stocks(shelf), [1, 0, 1]);
});

test("an order without lines", () => {
  const shelf = stockedShelf();
  assert.deepEqual(placeOrder(shelf, []), { lines: [], delivery: 0, total: 0 });
  assert.deepEqual(stocks(shelf), [7, 5, 1]);
});

test("lines that need the same paint are counted together", () => {
  const shelf = stockedShelf();
  const lines = [
    { code: "M5", quantity: 2 },
    { code: "B2", quantity: 4 },
  ];
  assert.throws(() => placeOrder(shelf, lines), {
    name: "Error",
    message: "not enough of B2: need 6, have 5",
  });
  assert.deepEqual(stocks(shelf), [7, 5, 1]);
});

test("the same code in two lines", () => {
  const shelf = stockedShelf();
  const line = { code: "B2", quantity: 3 };
  assert.throws(() => placeOrder(shelf, [line, line]), {
    message: "not enough of B2: need 6, have 5",
  });
  assert.deepEqual(stocks(shelf), [7, 5, 1]);
});

test("the paint that is mentioned first is named", () => {
  const shelf = stockedShelf();
  assert.throws(() => placeOrder(shelf, [{ code: "M6", quantity: 3 }]), {
    message: "not enough of R3: need 3, have 1",
  });
  const lines = [
    { code: "B2", quantity: 1 },
    { code: "M6", quantity: 3 },
  ];
  assert.throws(() => placeOrder(shelf, lines), {
    message: "not enough of B2: need 7, have 5",
  });
  assert.deepEqual(stocks(shelf), [7, 5, 1]);
});

test("errors of pricing come first and take nothing", () => {
  const shelf = stockedShelf();
  const tooMuch = { code: "W1", quantity: 99 };
  assert.throws(() => placeOrder(shelf, [tooMuch, { code: "B2", quantity: 0 }]), {
    name: "RangeError",
    message: "bad quantity for B2: 0",
  });
  assert.throws(() => placeOrder(shelf, [tooMuch, { code: "X9", quantity: 1 }]), {
    message: "no such code: X9",
  });
  assert.throws(() => placeOrder(shelf, [{ code: "W1", quantity: 1 }, { code: "X9", quantity: 1 }]));
  assert.deepEqual(stocks(shelf), [7, 5, 1]);
});
