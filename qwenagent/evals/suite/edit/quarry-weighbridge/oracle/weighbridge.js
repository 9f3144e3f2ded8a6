function checkWeight(weight) {
  if (!Number.isInteger(weight) || weight < 1) {
    throw new RangeError(`bad weight: ${weight}`);
  }
}

function byWeightThenName([nameA, kilosA], [nameB, kilosB]) {
  return kilosB - kilosA || (nameA < nameB ? -1 : 1);
}

/** The weighbridge of a quarry: who is inside, and what was sold. */
export class Weighbridge {
  #limit;
  #empty = new Map();
  #tickets = [];
  #cancelled = new Set();

  /** @param {number} limit greatest weight of a loaded lorry, in kilograms */
  constructor(limit) {
    this.#limit = limit;
  }

  /** Note that a lorry came in with this empty weight. */
  arrive(lorry, weight) {
    checkWeight(weight);
    if (this.#empty.has(lorry)) {
      throw new Error(`${lorry} is already inside`);
    }
    this.#empty.set(lorry, weight);
  }

  /** Let a loaded lorry out; returns its ticket, or null if it bought nothing. */
  leave(lorry, weight, material) {
    checkWeight(weight);
    const net = this.#netWeight(lorry, weight);
    this.#empty.delete(lorry);
    if (net === 0) {
      return null;
    }
    const ticket = { number: this.#tickets.length + 1, lorry, material, net };
    this.#tickets.push(ticket);
    return { ...ticket };
  }

  /** The lorries in the quarry, in order of arrival. */
  inside() {
    return [...this.#empty.keys()];
  }

  /** Take a ticket out of the totals; false if that is not possible. */
  cancel(number) {
    const known = this.#tickets.some((ticket) => ticket.number === number);
    if (!known || this.#cancelled.has(number)) {
      return false;
    }
    this.#cancelled.add(number);
    return true;
  }

  /** Kilograms sold of each material, as pairs, the most first. */
  totals() {
    const sums = new Map();
    for (const { number, material, net } of this.#tickets) {
      if (!this.#cancelled.has(number)) {
        sums.set(material, (sums.get(material) ?? 0) + net);
      }
    }
    return [...sums].sort(byWeightThenName);
  }

  #netWeight(lorry, weight) {
    if (!this.#empty.has(lorry)) {
      throw new Error(`${lorry} is not inside`);
    }
    const net = weight - this.#empty.get(lorry);
    if (net < 0) {
      throw new Error(`${lorry} is lighter than it came`);
    }
    if (weight > this.#limit) {
      throw new Error(`${lorry} is ${weight - this.#limit} kg over the limit`);
    }
    return net;
  }
}
