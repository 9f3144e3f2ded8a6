// How much water is needed after rain.

import { SOILS } from "./zones.js";

const SOME_RAIN = { sand: 80, loam: 60, clay: 50 };
const MUCH_RAIN = { sand: 40, loam: 20, clay: 0 };

/** Percentage of its usual water that a soil needs after so many millimetres of rain. */
export function percentAfterRain(soil, millimetres) {
  if (!SOILS.includes(soil)) {
    throw new RangeError(`unknown soil: ${soil}`);
  }
  if (millimetres < 3) {
    return 100;
  }
  return millimetres < 10 ? SOME_RAIN[soil] : MUCH_RAIN[soil];
}

/** The program with less water for each zone, by its soil. */
export function afterRain(program, millimetres) {
  return program.adjusted((zone) => percentAfterRain(zone.soil, millimetres));
}
