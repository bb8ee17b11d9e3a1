// The order of keys that two sides may have changed, each in its own way.
import type { Items } from './items.js';

type Order = readonly string[];

export const orderOf = ({ list }: Items): Order => list.map(({ key }) => key);

/** What is of both, as the first has it. */
const among = (order: Order, other: Order): Order => {
  const known = new Set(other);
  return order.filter((key) => known.has(key));
};

export const isSameOrder = (one: Order | undefined, other: Order | undefined): boolean =>
  one === undefined || other === undefined
    ? one === other
    : among(one, other).join('\n') === among(other, one).join('\n');

/** In the order of one, and what only the other has after what it follows there. */
export function joinOrders(one: Order, other: Order): string[] {
  const keys = [...one];
  const known = new Set(one);
  for (const [at, key] of other.entries()) {
    if (known.has(key)) continue;
    const before = other[at - 1];
    keys.splice(before === undefined ? 0 : keys.indexOf(before) + 1, 0, key);
    known.add(key);
  }
  return keys;
}
