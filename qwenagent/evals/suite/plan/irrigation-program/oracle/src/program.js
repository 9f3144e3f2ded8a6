// What runs when, on one day.

import { DAY, formatClock } from "./clock.js";

export class Program {
  #runs = [];

  constructor(name) {
    this.name = name;
  }

  /**
   * Water `zone` for `minutes` from `start` (minutes since midnight) on.
   * Throws a RangeError if the run has no length, leaves the day or overlaps with another.
   * Returns the program.
   */
  add(zone, start, minutes) {
    if (!Number.isInteger(minutes) || minutes < 1) {
      throw new RangeError(`${zone.name}: a run needs at least one minute`);
    }
    if (start < 0 || start + minutes > DAY) {
      throw new RangeError(`${zone.name}: a run must lie within the day`);
    }
    const end = start + minutes;
    const other = this.#runs.find((run) => run.start < end && start < run.start + run.minutes);
    if (other) {
      throw new RangeError(`${zone.name}: ${other.zone.name} runs at ${formatClock(other.start)}`);
    }
    this.#runs.push({ zone, start, minutes });
    this.#runs.sort((a, b) => a.start - b.start);
    return this;
  }

  /** The runs, earliest first. */
  runs() {
    return this.#runs.map((run) => ({ ...run }));
  }

  /** Litres of all runs. */
  litres() {
    return this.#runs.reduce((sum, run) => sum + run.zone.litres(run.minutes), 0);
  }

  /**
   * A new program whose runs are longer or shorter: `percentOf` is called with the zone of each run.
   * Runs of which nothing is left are left out.
   */
  adjusted(percentOf) {
    const program = new Program(this.name);
    for (const { zone, start, minutes } of this.#runs) {
      const percent = percentOf(zone);
      if (percent < 0) {
        throw new RangeError("percentage must not be negative");
      }
      const adjusted = Math.round((minutes * percent) / 100);
      if (adjusted > 0) {
        program.add(zone, start, adjusted);
      }
    }
    return program;
  }

  /** The zone that is watered at a minute of the day, or null. */
  zoneAt(minute) {
    const run = this.#runs.find((r) => r.start <= minute && minute < r.start + r.minutes);
    return run ? run.zone : null;
  }
}
