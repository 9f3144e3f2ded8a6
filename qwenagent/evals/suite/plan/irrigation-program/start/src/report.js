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
