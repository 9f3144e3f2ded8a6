// Times of day as minutes since midnight.

export const DAY = 24 * 60;

/** Read "6:30" or "06:30". Throws a RangeError for anything else. */
export function parseClock(text) {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  const hours = match ? Number(match[1]) : NaN;
  const minutes = match ? Number(match[2]) : NaN;
  if (!(hours < 24 && minutes < 60)) {
    throw new RangeError(`not a time of day: ${text}`);
  }
  return hours * 60 + minutes;
}

/** Write minutes since midnight as "06:30". Times after midnight start again at "00:00". */
export function formatClock(minutes) {
  const hours = Math.floor(minutes / 60) % 24;
  return `${String(hours).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
