// A batch as the traces of its operations see it: it is a span of the first one’s trace, and each other trace has one that points there.
import { beginSpan, concerning, inSpan, traceparent } from '../kernel/concern.js';
import type { OperationRecord } from './operations.repository.js';

const NAME = 'lane.batch';
const traceOf = (at: string): string | undefined => at.split('-')[1];

/** Runs what is done about these operations; logs name them meanwhile. */
export function asBatch<T>(
  operations: readonly Pick<OperationRecord, 'id' | 'traceparent'>[],
  work: () => Promise<T>,
): Promise<T> {
  const ids = operations.map(({ id }) => id);
  const [own = null, ...others] = operations.flatMap((one) => one.traceparent ?? []);
  const options = { name: NAME, kind: 'consumer' as const, parent: own, links: others };
  return concerning(ids, () =>
    inSpan(options, async () => {
      pointHere(own, others);
      return work();
    }),
  );
}

function pointHere(own: string | null, others: string[]): void {
  const here = traceparent();
  if (here === undefined || own === null) return;
  const elsewhere = new Map(others.map((parent) => [traceOf(parent), parent]));
  elsewhere.delete(traceOf(own));
  for (const parent of elsewhere.values())
    beginSpan({ name: NAME, kind: 'consumer', parent, links: [here] })?.end();
}
