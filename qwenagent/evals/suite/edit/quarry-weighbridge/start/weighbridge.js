/** The weighbridge of a quarry: who is inside, and what was sold. */
export class Weighbridge {
  /** @param {number} limit greatest weight of a loaded lorry, in kilograms */
  constructor(limit) {
    throw new Error("not written yet");
  }
}
