/**
 * The text that a bus speaks before a stop.
 *
 * @param {{name: string, lines?: string[], terminus?: boolean}} stop
 * @returns {string}
 */
export function announce(stop) {
  throw new Error("not written yet");
}
