// What the files of an import came to, as rows.
import { sql } from 'kysely';
import type { Session } from '../storage/database.js';
import type { Verdict } from './import-plan.js';
import { toColumns } from './import-rows.js';

export async function writeVerdicts(tx: Session, id: string, verdicts: Verdict[]): Promise<void> {
  await tx
    .insertInto('import_item')
    .values(verdicts.map((verdict) => ({ import_id: id, is_named: false, ...toColumns(verdict) })))
    .onConflict((conflict) =>
      conflict.columns(['import_id', 'path']).doUpdateSet((values) => ({
        kind: values.ref('excluded.kind'),
        entity_scope: values.ref('excluded.entity_scope'),
        entity_id: values.ref('excluded.entity_id'),
        blob_id: values.ref('excluded.blob_id'),
        outcome: values.ref('excluded.outcome'),
        failure: values.ref('excluded.failure'),
      })),
    )
    .execute();
}

/** Of files from path to path. */
export async function countOutcomes(
  tx: Session,
  { id, after, to }: { id: string; after: string; to: string },
): Promise<Map<string | null, number>> {
  const rows = await tx
    .selectFrom('import_item')
    .select(['outcome', sql<number>`count(*)`.as('count')])
    .where('import_id', '=', id)
    .where('path', '>', after)
    .where('path', '<=', to)
    .groupBy('outcome')
    .execute();
  return new Map(rows.map(({ outcome, count }) => [outcome, Number(count)]));
}
