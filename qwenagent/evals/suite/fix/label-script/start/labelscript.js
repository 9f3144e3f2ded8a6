/**
 * LabelScript: small programs that print the labels of a farm shop.
 *
 * A script has one statement a line. It is read into a tree by `parse`, and run
 * with the data of a label by `render`, which returns the lines of the label.
 *
 *     width 24
 *     text shop | upper centre
 *     rule
 *     each item in items
 *       if item.sold
 *         skip
 *       end
 *       row item.name, item.pence | money
 *     end
 */

const DEFAULT_WIDTH = 32;
const MAX_WIDTH = 120;
const MAX_GAP = 10;
const MAX_DEPTH = 40;

/** What is wrong with a script, and in which line of it (from 1). */
export class ScriptError extends Error {
  constructor(message, line) {
    super(`line ${line}: ${message}`);
    this.name = "ScriptError";
    this.line = line;
  }
}

// ---------------------------------------------------------------- tokens

const SYMBOLS = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "=", "(", ")", ",", ".", "|"];
const ESCAPES = new Map([
  ["n", "\n"],
  ['"', '"'],
  ["\\", "\\"],
]);

/** Splits one line of a script into tokens; a comment runs from # to the end. */
class Lexer {
  #text;
  #line;
  #at = 0;

  constructor(text, line) {
    this.#text = text;
    this.#line = line;
  }

  tokens() {
    const found = [];
    for (;;) {
      this.#skipSpaces();
      if (this.#at >= this.#text.length || this.#text[this.#at] === "#") {
        found.push({ type: "end", text: "end of line" });
        return found;
      }
      found.push(this.#next());
    }
  }

  #skipSpaces() {
    while (/\s/.test(this.#text[this.#at] ?? "")) {
      this.#at += 1;
    }
  }

  #next() {
    const first = this.#text[this.#at];
    if (first === '"') {
      return this.#string();
    }
    if (/[0-9]/.test(first)) {
      return this.#number();
    }
    if (/[a-z_]/i.test(first)) {
      return { type: "name", text: this.#match(/[a-z_][a-z0-9_]*/iy) };
    }
    return this.#symbol();
  }

  #match(pattern) {
    pattern.lastIndex = this.#at;
    const [text] = pattern.exec(this.#text);
    this.#at += text.length;
    return text;
  }

  #number() {
    const text = this.#match(/[0-9]+(\.[0-9]+)?/y);
    return { type: "number", text, value: Number(text) };
  }

  #string() {
    let value = "";
    let at = this.#at + 1;
    while (at < this.#text.length && this.#text[at] !== '"') {
      if (this.#text[at] === "\\") {
        at += 1;
        value += this.#escape(this.#text[at]);
      } else {
        value += this.#text[at];
      }
      at += 1;
    }
    if (at >= this.#text.length) {
      throw new ScriptError("string without an end", this.#line);
    }
    const text = this.#text.slice(this.#at, at + 1);
    this.#at = at + 1;
    return { type: "string", text, value };
  }

  #escape(character) {
    if (!ESCAPES.has(character)) {
      throw new ScriptError(`unknown escape \\${character ?? ""}`, this.#line);
    }
    return ESCAPES.get(character);
  }

  #symbol() {
    const symbol = SYMBOLS.find((text) => this.#text.startsWith(text, this.#at));
    if (!symbol) {
      throw new ScriptError(`unexpected ${this.#text[this.#at]}`, this.#line);
    }
    this.#at += symbol.length;
    return { type: "symbol", text: symbol };
  }
}

// ---------------------------------------------------------------- expressions

const COMPARISONS = ["==", "!=", "<=", ">=", "<", ">"];

/** Reads the tokens of one line; knows expressions, but no statements. */
class LineReader {
  #tokens;
  #at = 0;

  constructor(text, line) {
    this.#tokens = new Lexer(text, line).tokens();
    this.line = line;
  }

  get empty() {
    return this.#tokens.length === 1;
  }

  peek() {
    return this.#tokens[this.#at];
  }

  take() {
    const token = this.peek();
    if (token.type !== "end") {
      this.#at += 1;
    }
    return token;
  }

  /** Take the next token if it is this symbol or word. */
  accept(text) {
    const token = this.peek();
    if (token.text !== text || (token.type !== "symbol" && token.type !== "name")) {
      return false;
    }
    this.take();
    return true;
  }

  expect(text) {
    if (!this.accept(text)) {
      this.fail(`expected ${text}, found ${this.peek().text}`);
    }
  }

  name() {
    const token = this.take();
    if (token.type !== "name") {
      this.fail(`expected a name, found ${token.text}`);
    }
    return token.text;
  }

  finish() {
    if (this.peek().type !== "end") {
      this.fail(`unexpected ${this.peek().text}`);
    }
  }

  fail(message) {
    throw new ScriptError(message, this.line);
  }

  /** A list of whatever `read` reads, in parentheses and with commas between. */
  list(read) {
    const items = [];
    this.expect("(");
    if (this.accept(")")) {
      return items;
    }
    do {
      items.push(read());
    } while (this.accept(","));
    this.expect(")");
    return items;
  }

  /** An expression: filters bind the least, members the most. */
  expression() {
    let value = this.#either();
    while (this.accept("|")) {
      const filter = this.name();
      const args = this.peek().text === "(" ? this.list(() => this.expression()) : [];
      value = { type: "filter", filter, value, args, line: this.line };
    }
    return value;
  }

  #either() {
    let left = this.#both();
    while (this.accept("or")) {
      left = this.#binary("or", left, this.#both());
    }
    return left;
  }

  #both() {
    let left = this.#negation();
    while (this.accept("and")) {
      left = this.#binary("and", left, this.#negation());
    }
    return left;
  }

  #negation() {
    if (this.accept("not")) {
      return { type: "not", value: this.#negation(), line: this.line };
    }
    return this.#comparison();
  }

  #comparison() {
    const left = this.#sum();
    const operator = COMPARISONS.find((text) => this.accept(text));
    return operator ? this.#binary(operator, left, this.#sum()) : left;
  }

  #sum() {
    let left = this.#product();
    for (;;) {
      const operator = ["+", "-"].find((text) => this.accept(text));
      if (!operator) {
        return left;
      }
      left = this.#binary(operator, left, this.#product());
    }
  }

  #product() {
    let left = this.#sign();
    for (;;) {
      const operator = ["*", "/"].find((text) => this.accept(text));
      if (!operator) {
        return left;
      }
      left = this.#binary(operator, left, this.#sign());
    }
  }

  #sign() {
    if (this.accept("-")) {
      const zero = { type: "value", value: 0 };
      return this.#binary("-", zero, this.#sign());
    }
    return this.#members();
  }

  #members() {
    let value = this.#primary();
    while (this.accept(".")) {
      value = { type: "member", value, name: this.name(), line: this.line };
    }
    return value;
  }

  #primary() {
    if (this.accept("(")) {
      const value = this.expression();
      this.expect(")");
      return value;
    }
    const token = this.take();
    if (token.type === "number" || token.type === "string") {
      return { type: "value", value: token.value };
    }
    if (token.type !== "name") {
      this.fail(`expected a value, found ${token.text}`);
    }
    if (token.text === "true" || token.text === "false") {
      return { type: "value", value: token.text === "true" };
    }
    return { type: "name", name: token.text, line: this.line };
  }

  #binary(operator, left, right) {
    return { type: "binary", operator, left, right, line: this.line };
  }
}

// ---------------------------------------------------------------- statements

const ALIGNMENTS = ["left", "centre", "right"];

/** Reads a script into a list of statements. */
class ScriptParser {
  #lines;
  #at = 0;
  #loops = 0;

  constructor(source) {
    this.#lines = source
      .split(/\r?\n/)
      .map((text, index) => new LineReader(text, index + 1))
      .filter((reader) => !reader.empty);
  }

  script() {
    const { body, closedBy } = this.#body();
    if (closedBy) {
      throw new ScriptError(`${closedBy.word} without a beginning`, closedBy.line);
    }
    return body;
  }

  /** Statements up to an `end` or `else`, or to the end of the script. */
  #body() {
    const body = [];
    while (this.#at < this.#lines.length) {
      const reader = this.#lines[this.#at];
      this.#at += 1;
      const word = reader.name();
      if (word === "end" || word === "else") {
        reader.finish();
        return { body, closedBy: { word, line: reader.line } };
      }
      const statement = this.#statement(word, reader);
      body.push({ ...statement, line: reader.line });
    }
    return { body, closedBy: null };
  }

  #statement(word, reader) {
    switch (word) {
      case "let":
      case "set":
        return this.#assignment(word, reader);
      case "text":
        return this.#text(reader);
      case "row":
        return this.#row(reader);
      case "width":
      case "gap":
        return this.#simple({ type: word, size: reader.expression() }, reader);
      case "rule":
        return this.#simple({ type: word }, reader);
      case "skip":
      case "stop":
        return this.#jump(word, reader);
      case "use":
        return this.#use(reader);
      case "if":
        return this.#if(reader);
      case "each":
        return this.#each(reader);
      case "part":
        return this.#part(reader);
      default:
        return reader.fail(`unknown statement ${word}`);
    }
  }

  #simple(statement, reader) {
    reader.finish();
    return statement;
  }

  #assignment(type, reader) {
    const name = reader.name();
    reader.expect("=");
    return this.#simple({ type, name, value: reader.expression() }, reader);
  }

  #text(reader) {
    const value = reader.expression();
    const align = ALIGNMENTS.find((word) => reader.accept(word)) ?? "left";
    return this.#simple({ type: "text", value, align }, reader);
  }

  #row(reader) {
    const left = reader.expression();
    reader.expect(",");
    return this.#simple({ type: "row", left, right: reader.expression() }, reader);
  }

  #jump(type, reader) {
    if (this.#loops === 0) {
      reader.fail(`${type} outside of each`);
    }
    return this.#simple({ type }, reader);
  }

  #use(reader) {
    const name = reader.name();
    return this.#simple({ type: "use", name, args: reader.list(() => reader.expression()) }, reader);
  }

  #if(reader) {
    const condition = reader.expression();
    reader.finish();
    const yes = this.#body();
    const no = yes.closedBy?.word === "else" ? this.#body() : { ...yes, body: [] };
    this.#checkClosed("if", no, reader);
    return { type: "if", condition, yes: yes.body, no: no.body };
  }

  #each(reader) {
    const name = reader.name();
    reader.expect("in");
    const list = reader.expression();
    reader.finish();
    this.#loops += 1;
    const inner = this.#body();
    this.#loops -= 1;
    this.#checkClosed("each", inner, reader);
    return { type: "each", name, list, body: inner.body };
  }

  #part(reader) {
    const name = reader.name();
    const params = reader.list(() => reader.name());
    reader.finish();
    const loops = this.#loops;
    this.#loops = 0;
    const inner = this.#body();
    this.#loops = loops;
    this.#checkClosed("part", inner, reader);
    return { type: "part", name, params, body: inner.body };
  }

  #checkClosed(word, { closedBy }, reader) {
    if (closedBy?.word !== "end") {
      reader.fail(`${word} without an end`);
    }
  }
}

/** Read a script into its statements. */
export function parse(source) {
  return new ScriptParser(source).script();
}

// ---------------------------------------------------------------- values

function isTrue(value) {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** A value as it is printed; a list has commas between its items. */
function show(value) {
  if (value === null || value === undefined) {
    return "";
  }
  return Array.isArray(value) ? value.map(show).join(", ") : String(value);
}

function calculate(operator, left, right, line) {
  if (operator === "+" && (typeof left === "string" || typeof right === "string")) {
    return show(left) + show(right);
  }
  if (typeof left !== "number" || typeof right !== "number") {
    throw new ScriptError(`${operator} needs numbers`, line);
  }
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    default:
      if (right === 0) {
        throw new ScriptError("division by zero", line);
      }
      return left / right;
  }
}

function compare(operator, left, right, line) {
  if (operator === "==") {
    return left === right;
  }
  if (operator === "!=") {
    return left !== right;
  }
  if (typeof left !== typeof right || !["number", "string"].includes(typeof left)) {
    throw new ScriptError(`${operator} needs two numbers or two strings`, line);
  }
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    default:
      return left >= right;
  }
}

function money(pence) {
  const size = Math.abs(Math.round(pence));
  const sign = pence < 0 ? "-" : "";
  return `${sign}£${Math.floor(size / 100)}.${String(size % 100).padStart(2, "0")}`;
}

const FILTERS = new Map([
  ["upper", (value) => show(value).toUpperCase()],
  ["lower", (value) => show(value).toLowerCase()],
  ["trim", (value) => show(value).trim()],
  ["money", (value) => money(Number(value))],
  ["fixed", (value, digits = 0) => Number(value).toFixed(digits)],
  ["pad", (value, width) => show(value).padStart(width)],
  ["count", (value) => value.length],
  ["first", (value) => value[0]],
  ["last", (value) => value[value.length - 1]],
  ["join", (value, between = ", ") => value.map(show).join(between)],
  ["or", (value, other) => (show(value) === "" ? other : value)],
]);

// ---------------------------------------------------------------- layout

/** Breaks a text into lines of at most `width`; a longer word is cut. */
function wrap(text, width) {
  return text.split("\n").flatMap((paragraph) => wrapParagraph(paragraph, width));
}

function wrapParagraph(paragraph, width) {
  const lines = [];
  let line = "";
  for (const word of paragraph.split(" ").filter((text) => text !== "")) {
    let rest = word;
    if (line !== "" && line.length + 1 + rest.length <= width) {
      line += ` ${rest}`;
      continue;
    }
    if (line !== "") {
      lines.push(line);
    }
    while (rest.length > width) {
      lines.push(rest.slice(0, width));
      rest = rest.slice(width);
    }
    line = rest;
  }
  return [...lines, line];
}

function align(text, width, alignment) {
  const space = Math.max(0, width - text.length);
  switch (alignment) {
    case "right":
      return " ".repeat(space) + text;
    case "centre":
      return " ".repeat(Math.floor(space / 2)) + text;
    default:
      return text;
  }
}

/** Two cells of one line; the left one is cut if there is no room for both. */
function rowLine(left, right, width) {
  const room = width - right.length - 1;
  if (left.length <= room) {
    return left.padEnd(room + 1) + right;
  }
  return room > 1 ? `${left.slice(0, room - 1)}… ${right}` : right.slice(0, width);
}

// ---------------------------------------------------------------- running

/** The names that a part of a script can see. */
class Scope {
  #names = new Map();

  constructor(parent = null) {
    this.parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
  }

  /** The scope in which a name is defined, or null. */
  owner(name) {
    if (this.#names.has(name)) {
      return this;
    }
    return this.parent ? this.parent.owner(name) : null;
  }

  has(name) {
    return this.#names.has(name);
  }

  get(name) {
    return this.#names.get(name);
  }

  define(name, value) {
    this.#names.set(name, value);
  }
}

/** Thrown by `skip` and `stop`, and caught by the loop around them. */
class Jump {
  constructor(type) {
    this.type = type;
  }
}

/** Runs statements and collects the lines of the label. */
class Printer {
  #lines = [];
  #width = DEFAULT_WIDTH;
  #parts = new Map();
  #scope;

  constructor(data) {
    this.#scope = new Scope();
    for (const [name, value] of Object.entries(data)) {
      this.#scope.define(name, value);
    }
  }

  print(statements) {
    this.#run(statements);
    return this.#lines;
  }

  #run(statements) {
    for (const statement of statements) {
      this.#step(statement);
    }
  }

  #step(statement) {
    switch (statement.type) {
      case "let":
        return this.#let(statement);
      case "set":
        return this.#set(statement);
      case "text":
        return this.#text(statement);
      case "row":
        return this.#row(statement);
      case "rule":
        return this.#lines.push("-".repeat(this.#width));
      case "gap":
        return this.#gap(statement);
      case "width":
        return this.#setWidth(statement);
      case "if":
        return this.#if(statement);
      case "each":
        return this.#each(statement);
      case "part":
        return this.#parts.set(statement.name, statement);
      case "use":
        return this.#use(statement);
      default:
        throw new Jump(statement.type);
    }
  }

  /** Run something that may define names of its own. */
  #inScope(line, action) {
    this.#enter(line);
    action();
    this.#scope = this.#scope.parent;
  }

  #enter(line) {
    if (this.#scope.depth === MAX_DEPTH) {
      throw new ScriptError("nested too deep", line);
    }
    this.#scope = new Scope(this.#scope);
  }

  #let({ name, value, line }) {
    if (this.#scope.has(name)) {
      throw new ScriptError(`${name} is defined already`, line);
    }
    this.#scope.define(name, this.#value(value));
  }

  #set({ name, value, line }) {
    const owner = this.#scope.owner(name);
    if (!owner) {
      throw new ScriptError(`${name} is not defined`, line);
    }
    owner.define(name, this.#value(value));
  }

  #text({ value, align: alignment }) {
    for (const line of wrap(show(this.#value(value)), this.#width)) {
      this.#lines.push(align(line, this.#width, alignment));
    }
  }

  #row({ left, right }) {
    const cells = [show(this.#value(left)), show(this.#value(right))];
    this.#lines.push(rowLine(...cells, this.#width));
  }

  #gap({ size, line }) {
    for (let n = this.#size(size, MAX_GAP, line); n > 0; n -= 1) {
      this.#lines.push("");
    }
  }

  #setWidth({ size, line }) {
    this.#width = this.#size(size, MAX_WIDTH, line);
  }

  #size(expression, most, line) {
    const size = this.#value(expression);
    if (!Number.isInteger(size) || size < 1 || size > most) {
      throw new ScriptError(`expected a whole number from 1 to ${most}, found ${show(size)}`, line);
    }
    return size;
  }

  #if({ condition, yes, no, line }) {
    const branch = isTrue(this.#value(condition)) ? yes : no;
    this.#inScope(line, () => this.#run(branch));
  }

  #each({ name, list, body, line }) {
    const items = this.#value(list);
    if (!Array.isArray(items)) {
      throw new ScriptError("each needs a list", line);
    }
    for (const [index, item] of items.entries()) {
      const jump = this.#round(body, { [name]: item, place: index + 1 }, line);
      if (jump === "stop") {
        break;
      }
    }
  }

  /** One round of a loop; returns the kind of jump that ended it, if any did. */
  #round(body, names, line) {
    try {
      this.#inScope(line, () => this.#runWith(body, names));
    } catch (error) {
      if (error instanceof Jump) {
        return error.type;
      }
      throw error;
    }
    return null;
  }

  #runWith(body, names) {
    for (const [name, value] of Object.entries(names)) {
      this.#scope.define(name, value);
    }
    this.#run(body);
  }

  #use({ name, args, line }) {
    const part = this.#parts.get(name);
    if (!part) {
      throw new ScriptError(`unknown part ${name}`, line);
    }
    if (args.length !== part.params.length) {
      throw new ScriptError(`${name} needs values for: ${part.params.join(", ")}`, line);
    }
    const values = args.map((arg) => this.#value(arg));
    const names = Object.fromEntries(part.params.map((param, index) => [param, values[index]]));
    this.#inScope(line, () => this.#runWith(part.body, names));
  }

  #value(node) {
    switch (node.type) {
      case "value":
        return node.value;
      case "name":
        return this.#lookUp(node);
      case "member":
        return this.#member(node);
      case "not":
        return !isTrue(this.#value(node.value));
      case "filter":
        return this.#filter(node);
      default:
        return this.#binary(node);
    }
  }

  #lookUp({ name, line }) {
    const owner = this.#scope.owner(name);
    if (!owner) {
      throw new ScriptError(`${name} is not defined`, line);
    }
    return owner.get(name);
  }

  #member({ value, name, line }) {
    const object = this.#value(value);
    if (object === null || typeof object !== "object") {
      throw new ScriptError(`no ${name} in ${show(object) || "nothing"}`, line);
    }
    return Object.hasOwn(object, name) ? object[name] : null;
  }

  #filter({ filter, value, args, line }) {
    const apply = FILTERS.get(filter);
    if (!apply) {
      throw new ScriptError(`unknown filter ${filter}`, line);
    }
    return apply(this.#value(value), ...args.map((arg) => this.#value(arg)));
  }

  #binary({ operator, left, right, line }) {
    if (operator === "and") {
      return isTrue(this.#value(left)) && isTrue(this.#value(right));
    }
    if (operator === "or") {
      return isTrue(this.#value(left)) || isTrue(this.#value(right));
    }
    const values = [this.#value(left), this.#value(right)];
    const work = COMPARISONS.includes(operator) ? compare : calculate;
    return work(operator, ...values, line);
  }
}

/**
 * Print a label: run a script with the data of the label.
 *
 * @param {string} source the script
 * @param {object} data the names that the script can use, with their values
 * @returns {string[]} the lines of the label
 * @throws {ScriptError} if the script is wrong or does not fit the data
 */
export function render(source, data = {}) {
  return new Printer(data).print(parse(source));
}
