/**
 * The text that a bus speaks before a stop.
 *
 * @param {{name: string, lines?: string[], terminus?: boolean}} stop
 * @returns {string}
 */
export function announce({ name, lines = [], terminus = false }) {
  const sentences = [`Next stop: ${name}.`];
  if (lines.length > 0) {
    sentences.push(`Change here for ${lines.join(", ")}.`);
  }
  if (terminus) {
    sentences.push("Please leave the bus.");
  }
  return sentences.join(" ");
}
