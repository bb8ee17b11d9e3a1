// What is put on record of an import; the files that it brings are counted where they are written.
import { SYSTEM } from '../audit/acting.js';
import { record, recordAs } from '../audit/record.js';
import type { Session } from '../storage/database.js';
import type { ImportRecord } from './import-rows.js';

/** What a request asks of it. */
export function recordImport(
  tx: Session,
  action: `import.${'begin' | 'apply' | 'cancel'}`,
  row: ImportRecord,
): void {
  const { branch, folder, dry_run: dryRun } = row;
  record(tx, { action, ...placeOf(row), data: { branch, folder, dryRun } });
}

/** That it is done or has failed, as its state says. */
export function recordEnd(tx: Session, row: ImportRecord, more: object): void {
  const { branch, commit_id: commit, state } = row;
  recordAs(tx, SYSTEM, { action: `import.${state}`, ...placeOf(row), data: { branch, commit, ...more } });
}

const placeOf = ({ scope, connector, id }: ImportRecord) => ({
  scope,
  target: `connectors/${connector}/imports/${id}`,
});
