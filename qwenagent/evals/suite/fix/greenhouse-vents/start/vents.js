/**
 * How far the roof vents of a greenhouse open.
 *
 * Temperatures are in degrees Celsius, wind is in metres a second, and an
 * opening is a percentage from 0 (shut) to 100.
 */

const DEFAULTS = { target: 18, perDegree: 20, maxOpening: 100 };
const STORM = 14;
const BREEZE = 8;
const BREEZE_OPENING = 40;

/** The settings of a zone, with the defaults for those that it leaves out. */
export function settingsOf(zone) {
  return {
    target: zone.target || DEFAULTS.target,
    perDegree: zone.perDegree ?? DEFAULTS.perDegree,
    maxOpening: zone.maxOpening ?? DEFAULTS.maxOpening,
  };
}

/** The greatest opening that the wind allows. */
function windLimit(wind) {
  if (wind >= STORM) {
    return 0;
  }
  return wind >= BREEZE ? BREEZE_OPENING : 100;
}

/** The opening that a zone wants for its temperature, whatever the wind. */
function wantedOpening({ target, perDegree }, temperature) {
  const excess = temperature - target;
  return excess > 0 ? Math.round(excess * perDegree) : 0;
}

/** The opening of the vents of one zone. */
export function opening(zone, { temperature, wind, rain = false }) {
  const settings = settingsOf(zone);
  const limit = Math.min(settings.maxOpening, windLimit(wind));
  const wanted = Math.min(wantedOpening(settings, temperature), limit);
  return rain ? Math.floor(wanted / 2) : wanted;
}

/** The openings of all zones, by name; a zone without a reading stays shut. */
export function plan(zones, readings) {
  const openings = {};
  for (const zone of zones) {
    const reading = readings[zone.name];
    openings[zone.name] = reading ? opening(zone, reading) : 0;
  }
  return openings;
}
