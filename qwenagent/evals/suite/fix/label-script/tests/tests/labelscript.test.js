import assert from "node:assert/strict";
import { test } from "node:test";

import { ScriptError, parse, render } from "../labelscript.js";

function script(...lines) {
  return lines.join("\n");
}

function checkError(source, message, data = {}) {
  assert.throws(() => render(source, data), { name: "ScriptError", message });
}

test("texts and values", () => {
  assert.deepEqual(render('text "Jam"'), ["Jam"]);
  assert.deepEqual(render("text 2 + 3 * 4"), ["14"]);
  assert.deepEqual(render("text (2 + 3) * 4 - -1"), ["21"]);
  assert.deepEqual(render('text "No. " + 7'), ["No. 7"]);
  assert.deepEqual(render("text fruits", { fruits: ["plum", "pear"] }), ["plum, pear"]);
  assert.deepEqual(render('text "say \\"hi\\"" # a comment'), ['say "hi"']);
});

test("comments and empty lines", () => {
  assert.deepEqual(render("\n# nothing\n   \n"), []);
  assert.deepEqual(render('text "a"\r\n\r\ntext "b"\r\n'), ["a", "b"]);
});

test("conditions", () => {
  const source = script("if stock > 3 and not sold", '  text "in stock"', "else", '  text "gone"', "end");
  assert.deepEqual(render(source, { stock: 4, sold: false }), ["in stock"]);
  assert.deepEqual(render(source, { stock: 4, sold: true }), ["gone"]);
  assert.deepEqual(render(source, { stock: 3, sold: false }), ["gone"]);
});

test("filters", () => {
  assert.deepEqual(render("text name | trim | upper", { name: " jam " }), ["JAM"]);
  assert.deepEqual(render("text 1205 | money"), ["£12.05"]);
  assert.deepEqual(render("text -5 | money"), ["-£0.05"]);
  assert.deepEqual(render("text 2.345 | fixed(1)"), ["2.3"]);
  assert.deepEqual(render('text list | join(" / ")', { list: [1, 2] }), ["1 / 2"]);
  assert.deepEqual(render('text item.note | or("none")', { item: {} }), ["none"]);
  assert.deepEqual(render(script("width 8", 'row 2 | pad(4), "x"')), ["   2   x"]);
  checkError("text 1 | round", "line 1: unknown filter round");
});

test("long texts are wrapped", () => {
  const source = script("width 10", "text words");
  assert.deepEqual(render(source, { words: "plum jam with rum" }), ["plum jam", "with rum"]);
  assert.deepEqual(render(source, { words: "plum-jam x marmalades!" }), ["plum-jam x", "marmalades", "!"]);
  assert.deepEqual(render(source, { words: "a\n\nb" }), ["a", "", "b"]);
});

test("alignment, rules and gaps", () => {
  const source = script("width 8", 'text "Jam" centre', 'text "Jam" right', "rule", "gap 2", 'text "x"');
  assert.deepEqual(render(source), ["  Jam", "     Jam", "--------", "", "", "x"]);
  checkError("gap 0", "line 1: expected a whole number from 1 to 10, found 0");
  checkError("width 500", "line 1: expected a whole number from 1 to 120, found 500");
});

test("rows", () => {
  const source = script("width 12", "row name, pence | money");
  assert.deepEqual(render(source, { name: "Jam", pence: 350 }), ["Jam    £3.50"]);
  assert.deepEqual(render(source, { name: "Marmalade", pence: 350 }), ["Marma… £3.50"]);
});

test("let and set", () => {
  assert.deepEqual(render(script("let n = 1", "set n = n + 1", "text n")), ["2"]);
  checkError(script("let n = 1", "let n = 2"), "line 2: n is defined already");
  checkError("set n = 1", "line 1: n is not defined");
  checkError("text n", "line 1: n is not defined");
});

test("names of a block end with it", () => {
  const source = script("if true", "  let n = 1", "  text n", "end", "text n");
  checkError(source, "line 5: n is not defined");
  checkError(script("each n in list", "end", "text n"), "line 3: n is not defined", { list: [1] });
});

test("each goes through a list", () => {
  const source = script("each item in items", '  text place + ". " + item.name', "end");
  const items = [{ name: "Jam" }, { name: "Honey" }];
  assert.deepEqual(render(source, { items }), ["1. Jam", "2. Honey"]);
  assert.deepEqual(render(source, { items: [] }), []);
  checkError(source, "line 1: each needs a list", { items: 3 });
});

test("a loop changes a name outside of it", () => {
  const source = script("let sum = 0", "each n in list", "  set sum = sum + n", "end", "text sum");
  assert.deepEqual(render(source, { list: [1, 2, 3] }), ["6"]);
});

test("skip and stop", () => {
  const source = script(
    "each n in list",
    "  if n == 2",
    "    skip",
    "  end",
    "  if n == 4",
    "    stop",
    "  end",
    "  text n",
    "end",
    'text "end"',
  );
  assert.deepEqual(render(source, { list: [1, 2, 3, 4, 5] }), ["1", "3", "end"]);
  checkError("skip", "line 1: skip outside of each");
  checkError(script("if true", "  stop", "end"), "line 2: stop outside of each");
});

test("a name comes back after the loop that hides it", () => {
  const source = script(
    'let name = "Hill Farm"',
    "each name in names",
    "  if name == skipped",
    "    skip",
    "  end",
    "  text name",
    "end",
    "text name",
  );
  const names = ["Jam", "Honey", "Eggs"];
  assert.deepEqual(render(source, { names, skipped: "" }), ["Jam", "Honey", "Eggs", "Hill Farm"]);
  assert.deepEqual(render(source, { names, skipped: "Honey" }), ["Jam", "Eggs", "Hill Farm"]);
});

test("a loop in a loop", () => {
  const source = script(
    "each shelf in shelves",
    "  each jar in shelf.jars",
    '    if jar == "empty"',
    "      stop",
    "    end",
    '    text place + " " + jar',
    "  end",
    '  text "shelf " + place',
    "end",
  );
  const shelves = [{ jars: ["Jam", "Plum", "empty", "Pear"] }, { jars: ["Honey"] }];
  assert.deepEqual(render(source, { shelves }), ["1 Jam", "2 Plum", "shelf 1", "1 Honey", "shelf 2"]);
});

test("a long list with many skipped items", () => {
  const source = script("each n in list", "  if n < 50", "    skip", "  end", "  text n", "end");
  const list = Array.from({ length: 52 }, (_, index) => index);
  assert.deepEqual(render(source, { list }), ["50", "51"]);
});

test("parts", () => {
  const source = script(
    "part price(name, pence)",
    "  row name, pence | money",
    "  rule",
    "end",
    "width 10",
    'use price("Jam", 350)',
    'use price("Egg", 30)',
  );
  assert.deepEqual(render(source), ["Jam  £3.50", "----------", "Egg  £0.30", "----------"]);
  checkError("use price(1)", "line 1: unknown part price");
  checkError(script("part price(a)", "end", "use price()"), "line 3: price needs values for: a");
});

test("a part that uses itself has an end", () => {
  checkError(script("part again()", "  use again()", "end", "use again()"), "line 2: nested too deep");
});

test("what is wrong with a script", () => {
  checkError('text "Jam', "line 1: string without an end");
  checkError('text "a\\t"', "line 1: unknown escape \\t");
  checkError("text 1 +", "line 1: expected a value, found end of line");
  checkError("text (1", "line 1: expected ), found end of line");
  checkError("print 1", "line 1: unknown statement print");
  checkError("rule 3", "line 1: unexpected 3");
  checkError("text 1 ; 2", "line 1: unexpected ;");
  checkError(script("", "if true"), "line 2: if without an end");
  checkError(script("if true", "else", "else", "end"), "line 1: if without an end");
  checkError(script("each n in list", "else", "end"), "line 1: each without an end");
  checkError(script("rule", "end"), "line 2: end without a beginning");
});

test("what is wrong with the values", () => {
  checkError("text 1 / 0", "line 1: division by zero");
  checkError("text true * 2", "line 1: * needs numbers");
  checkError('if 1 < "2"\nend', "line 1: < needs two numbers or two strings");
  checkError("text n.size", "line 1: no size in 3", { n: 3 });
});

test("an error knows its line", () => {
  assert.throws(
    () => parse(script("rule", "rule", "nonsense")),
    (error) => error instanceof ScriptError && error.line === 3,
  );
});
