import assert from "node:assert/strict";
import { test } from "node:test";

import { Program } from "../src/program.js";
import { programText, runLine } from "../src/report.js";
import { Zone } from "../src/zones.js";

const beans = new Zone("Beans", "loam", 12);

test("a run as a line", () => {
  assert.equal(runLine({ zone: beans, start: 390, minutes: 20 }), "06:30-06:50 Beans 240 l");
});

test("a program as text", () => {
  const program = new Program("dry").add(beans, 390, 20).add(beans, 1080, 5);
  assert.equal(programText(program), "dry\n06:30-06:50 Beans 240 l\n18:00-18:05 Beans 60 l");
});

test("an empty program", () => {
  assert.equal(programText(new Program("wet")), "wet");
});
