const FREE_DELIVERY_FROM = 5000;
const DELIVERY = 450;

function priceLine(shelf, { code, quantity }) {
  if (!Number.isInteger(quantity) || quantity < 1) {
    throw new RangeError(`bad quantity for ${code}: ${quantity}`);
  }
  const { name, pence } = shelf.get(code);
  return { code, name, quantity, pence: pence * quantity };
}

/**
 * Price an order; all amounts are in pence.
 *
 * @param {import("./shelf.js").Shelf} shelf
 * @param {{code: string, quantity: number}[]} lines
 */
export function priceOrder(shelf, lines) {
  const priced = lines.map((line) => priceLine(shelf, line));
  const goods = priced.reduce((sum, line) => sum + line.pence, 0);
  const delivery = goods === 0 || goods >= FREE_DELIVERY_FROM ? 0 : DELIVERY;
  return { lines: priced, delivery, total: goods + delivery };
}
