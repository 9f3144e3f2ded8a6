import assert from "node:assert/strict";
import { test } from "node:test";

import { Weighbridge } from "../weighbridge.js";

function sell(bridge, lorry, net, material) {
  bridge.arrive(lorry, 9000);
  return bridge.leave(lorry, 9000 + net, material);
}

test("a lorry comes, loads and leaves", () => {
  const bridge = new Weighbridge(26000);
  assert.equal(bridge.arrive("KT 204", 9200), undefined);
  assert.deepEqual(bridge.inside(), ["KT 204"]);
  assert.deepEqual(bridge.leave("KT 204", 20500, "gravel"), {
    number: 1,
    lorry: "KT 204",
    material: "gravel",
    net: 11300,
  });
  assert.deepEqual(bridge.inside(), []);
});

test("lorries inside are listed by arrival", () => {
  const bridge = new Weighbridge(26000);
  bridge.arrive("Z 9", 9000);
  bridge.arrive("A 1", 9000);
  bridge.arrive("M 5", 9000);
  assert.deepEqual(bridge.inside(), ["Z 9", "A 1", "M 5"]);
  bridge.leave("Z 9", 10000, "sand");
  bridge.arrive("Z 9", 9000);
  assert.deepEqual(bridge.inside(), ["A 1", "M 5", "Z 9"]);
});

test("weights have to be whole and positive", () => {
  const bridge = new Weighbridge(26000);
  for (const weight of [0, -5, 10.5, NaN]) {
    const expected = { name: "RangeError", message: `bad weight: ${weight}` };
    assert.throws(() => bridge.arrive("KT 204", weight), expected);
    assert.throws(() => bridge.leave("KT 204", weight, "sand"), expected);
  }
  assert.deepEqual(bridge.inside(), []);
});

test("a bad weight is found before anything else", () => {
  const bridge = new Weighbridge(26000);
  bridge.arrive("KT 204", 9000);
  assert.throws(() => bridge.arrive("KT 204", 0), { message: "bad weight: 0" });
});

test("in twice, out twice", () => {
  const bridge = new Weighbridge(26000);
  bridge.arrive("KT 204", 9000);
  assert.throws(() => bridge.arrive("KT 204", 9100), {
    name: "Error",
    message: "KT 204 is already inside",
  });
  assert.equal(bridge.leave("KT 204", 9500, "sand").net, 500);
  assert.throws(() => bridge.leave("KT 204", 9500, "sand"), {
    name: "Error",
    message: "KT 204 is not inside",
  });
});

test("a lorry that is too light or too heavy stays inside", () => {
  const bridge = new Weighbridge(26000);
  bridge.arrive("KT 204", 9000);
  assert.throws(() => bridge.leave("KT 204", 8999, "sand"), {
    name: "Error",
    message: "KT 204 is lighter than it came",
  });
  assert.throws(() => bridge.leave("KT 204", 26350, "sand"), {
    name: "Error",
    message: "KT 204 is 350 kg over the limit",
  });
  assert.deepEqual(bridge.inside(), ["KT 204"]);
  assert.deepEqual(bridge.totals(), []);
  assert.deepEqual(bridge.leave("KT 204", 26000, "sand"), {
    number: 1,
    lorry: "KT 204",
    material: "sand",
    net: 17000,
  });
});

test("too light is said before too heavy", () => {
  const bridge = new Weighbridge(5000);
  bridge.arrive("KT 204", 9000);
  assert.throws(() => bridge.leave("KT 204", 8000, "sand"), {
    message: "KT 204 is lighter than it came",
  });
  assert.throws(() => bridge.leave("KT 204", 9001, "sand"), {
    message: "KT 204 is 4001 kg over the limit",
  });
});

test("an empty lorry gets no ticket", () => {
  const bridge = new Weighbridge(26000);
  assert.equal(sell(bridge, "KT 204", 0, "sand"), null);
  assert.deepEqual(bridge.inside(), []);
  assert.deepEqual(bridge.totals(), []);
  assert.equal(sell(bridge, "KT 204", 1, "sand").number, 1);
});

test("totals by weight and then by name", () => {
  const bridge = new Weighbridge(26000);
  sell(bridge, "A 1", 3000, "sand");
  sell(bridge, "A 2", 5000, "gravel");
  sell(bridge, "A 3", 3000, "chalk");
  sell(bridge, "A 1", 2500, "gravel");
  sell(bridge, "A 2", 9000, "basalt");
  assert.deepEqual(bridge.totals(), [
    ["basalt", 9000],
    ["gravel", 7500],
    ["chalk", 3000],
    ["sand", 3000],
  ]);
});

test("cancelled tickets do not count", () => {
  const bridge = new Weighbridge(26000);
  sell(bridge, "A 1", 3000, "sand");
  sell(bridge, "A 2", 5000, "gravel");
  sell(bridge, "A 3", 1000, "gravel");
  assert.equal(bridge.cancel(2), true);
  assert.deepEqual(bridge.totals(), [
    ["sand", 3000],
    ["gravel", 1000],
  ]);
  assert.equal(bridge.cancel(3), true);
  assert.deepEqual(bridge.totals(), [["sand", 3000]]);
});

test("cancelling what cannot be cancelled", () => {
  const bridge = new Weighbridge(26000);
  assert.equal(bridge.cancel(1), false);
  sell(bridge, "A 1", 3000, "sand");
  assert.equal(bridge.cancel(0), false);
  assert.equal(bridge.cancel(2), false);
  assert.equal(bridge.cancel(1), true);
  assert.equal(bridge.cancel(1), false);
  assert.equal(sell(bridge, "A 1", 3000, "sand").number, 2);
});

test("what is returned can be changed", () => {
  const bridge = new Weighbridge(26000);
  const ticket = sell(bridge, "A 1", 3000, "sand");
  ticket.net = 1;
  ticket.material = "gold";
  bridge.arrive("A 2", 9000);
  bridge.inside().pop();
  bridge.totals()[0][1] = 7;
  assert.deepEqual(bridge.totals(), [["sand", 3000]]);
  assert.deepEqual(bridge.inside(), ["A 2"]);
});
