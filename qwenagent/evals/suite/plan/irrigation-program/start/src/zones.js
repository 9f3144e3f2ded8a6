// Zones of the garden.

export const SOILS = ["sand", "loam", "clay"];

export class Zone {
  /**
   * @param {string} name unique in a garden
   * @param {string} soil one of SOILS
   * @param {number} litresPerMinute what its sprinklers take
   */
  constructor(name, soil, litresPerMinute) {
    if (!name) {
      throw new TypeError("a zone needs a name");
    }
    if (!SOILS.includes(soil)) {
      throw new RangeError(`unknown soil: ${soil}`);
    }
    if (!(litresPerMinute > 0)) {
      throw new RangeError(`${name}: litres per minute must be above 0`);
    }
    this.name = name;
    this.soil = soil;
    this.litresPerMinute = litresPerMinute;
  }

  /** Litres for a run of so many minutes. */
  litres(minutes) {
    return this.litresPerMinute * minutes;
  }
}
