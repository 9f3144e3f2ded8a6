const SPOKEN = new Map([
  ["St", "Street"],
  ["Sq", "Square"],
  ["Rd", "Road"],
]);

function spokenWord(word) {
  const bare = word.endsWith(".") ? word.slice(0, -1) : word;
  return SPOKEN.get(bare) ?? word;
}

function spokenName(name) {
  const trimmed = name.trim();
  if (trimmed === "") {
    throw new RangeError("stop has no name");
  }
  return trimmed.split(" ").map(spokenWord).join(" ");
}

function changes(lines) {
  const unique = [...new Set(lines)];
  if (unique.length === 1) {
    return `Change here for line ${unique[0]}.`;
  }
  const last = unique.pop();
  return `Change here for lines ${unique.join(", ")} and ${last}.`;
}

/**
 * The text that a bus speaks before a stop.
 *
 * @param {{name: string, lines?: string[], terminus?: boolean}} stop
 * @returns {string}
 */
export function announce(stop) {
  const name = spokenName(stop.name);
  const lines = stop.lines ?? [];
  const sentences = [stop.terminus ? `This is ${name}, the last stop.` : `Next stop: ${name}.`];
  if (lines.length > 0) {
    sentences.push(changes(lines));
  }
  if (stop.terminus) {
    sentences.push("Please leave the bus.");
  }
  return sentences.join(" ");
}
