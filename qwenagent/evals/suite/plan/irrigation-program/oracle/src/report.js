// A program as text.

import { formatClock } from "./clock.js";

/** One run as "06:30-06:50 Beans 240 l". */
export function runLine(run) {
  const end = formatClock(run.start + run.minutes);
  return `${formatClock(run.start)}-${end} ${run.zone.name} ${run.zone.litres(run.minutes)} l`;
}

/** The name of the program, then a line for each run. */
export function programText(program) {
  return [program.name, ...program.runs().map(runLine)].join("\n");
}

function litresByZone(program) {
  const litres = new Map();
  for (const { zone, minutes } of program.runs()) {
    litres.set(zone.name, (litres.get(zone.name) ?? 0) + zone.litres(minutes));
  }
  return litres;
}

/** What each zone takes before and after, and what is saved. */
export function savingText(before, after) {
  const rest = litresByZone(after);
  const lines = [];
  for (const [name, litres] of litresByZone(before)) {
    const left = rest.get(name) ?? 0;
    lines.push(left === litres ? `${name}: ${litres} l` : `${name}: ${litres} l -> ${left} l`);
  }
  lines.push(`saved: ${before.litres() - after.litres()} l`);
  return lines.join("\n");
}
