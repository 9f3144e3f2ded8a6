/** The paints of the shop: what a tin costs, and how many tins there are. */
export class Shelf {
  #paints = new Map();

  /** Put a new paint on the shelf; the price is that of one tin. */
  add({ code, name, pence, stock = 0 }) {
    if (this.#paints.has(code)) {
      throw new Error(`code ${code} is taken`);
    }
    this.#paints.set(code, { code, name, pence, stock });
  }

  /** A copy of what is known about a paint. */
  get(code) {
    const paint = this.#paints.get(code);
    if (!paint) {
      throw new Error(`no such code: ${code}`);
    }
    return { ...paint };
  }

  /** All codes, sorted. */
  codes() {
    return [...this.#paints.keys()].sort();
  }

  /** Take tins of one paint from the shelf. */
  take(code, tins) {
    const { stock } = this.get(code);
    if (tins > stock) {
      throw new Error(`not enough of ${code}: need ${tins}, have ${stock}`);
    }
    this.#paints.get(code).stock = stock - tins;
  }
}
