/** The paints and mixtures of the shop: what they cost, and how many there are. */
export class Shelf {
  #paints = new Map();
  #mixtures = new Map();

  /** Put a new paint on the shelf; the price is that of one tin. */
  add({ code, name, pence, stock = 0 }) {
    this.#checkFree(code);
    this.#paints.set(code, { code, name, pence, stock });
  }

  /** Add a mixture of paints; `parts` has the tins of each paint, the fee is in pence. */
  addMixture({ code, name, parts, fee }) {
    this.#checkFree(code);
    for (const part of Object.keys(parts)) {
      if (!this.#paints.has(part)) {
        throw new Error(`not a paint: ${part}`);
      }
    }
    this.#mixtures.set(code, { code, name, parts: { ...parts }, fee });
  }

  /** A copy of what is known about a paint or a mixture. */
  get(code) {
    if (this.#mixtures.has(code)) {
      return this.#describe(this.#mixtures.get(code));
    }
    const paint = this.#paints.get(code);
    if (!paint) {
      throw new Error(`no such code: ${code}`);
    }
    return { ...paint };
  }

  /** All codes, sorted. */
  codes() {
    return [...this.#paints.keys(), ...this.#mixtures.keys()].sort();
  }

  /** The tins of each paint that so many of this code need. */
  needs(code, quantity) {
    const mixture = this.#mixtures.get(code);
    if (!mixture) {
      return { [this.get(code).code]: quantity };
    }
    const scaled = Object.entries(mixture.parts).map(([part, tins]) => [part, tins * quantity]);
    return Object.fromEntries(scaled);
  }

  /** Take tins of one paint from the shelf. */
  take(code, tins) {
    const { stock } = this.get(code);
    if (tins > stock) {
      throw new Error(`not enough of ${code}: need ${tins}, have ${stock}`);
    }
    this.#paints.get(code).stock = stock - tins;
  }

  #checkFree(code) {
    if (this.#paints.has(code) || this.#mixtures.has(code)) {
      throw new Error(`code ${code} is taken`);
    }
  }

  #describe({ code, name, parts, fee }) {
    let pence = fee;
    let stock = Infinity;
    for (const [part, tins] of Object.entries(parts)) {
      const paint = this.#paints.get(part);
      pence += paint.pence * tins;
      stock = Math.min(stock, Math.floor(paint.stock / tins));
    }
    return { code, name, pence, stock };
  }
}
