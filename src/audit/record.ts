// Puts what is done on record, in the transaction that does it: there is neither without the other. The trail of an account is one
// row that everybody waits for, so it is taken last, when all else in the transaction is done.
import { createHash } from 'node:crypto';
import { cutText, storable } from '../kernel/storable.js';
import { beforeCommit, type Session } from '../storage/database.js';
import { type Actor, actingNow, SYSTEM } from './acting.js';
import { appendEntries } from './entries.repository.js';

export interface Act {
  /** Thing and verb: `connector.put`; docs/reference/audit.md lists them. */
  action: string;
  /** As in the API: `accounts/a/orgs/o`. */
  scope: string;
  /** What it was done to, as in the API, below its scope; empty for the scope itself. */
  target: string;
  /** What else there is to know, without secrets and without contents. */
  data?: object;
}

/** What came of it. An attempt that was refused has a code, and nothing was done; of what had begun and failed, part may have been. */
export type Outcome =
  | { outcome: 'done' | 'begun' }
  | { outcome: 'refused' | 'denied' | 'failed'; code: string };

const DONE: Outcome = { outcome: 'done' };
const TEXT_CHARACTERS_MAX = 2_048;
/** The database takes 65,536. */
const ENTRY_BYTES_MAX = 60_000;

/** By transaction and account. */
const pending = new WeakMap<Session, Map<string, string[]>>();

/** What a request does, by its actor; what nobody asked for, by the manager. */
export function record(tx: Session, act: Act, outcome: Outcome = DONE): void {
  const acting = actingNow();
  put(tx, acting?.actor ?? SYSTEM, act, outcome);
  if (acting !== undefined)
    beforeCommit(tx, async () => {
      acting.entries += 1;
    });
}

/** What somebody else does than whoever asks at this moment, or nobody. */
export function recordAs(tx: Session, actor: Actor, act: Act, outcome: Outcome = DONE): void {
  put(tx, actor, act, outcome);
}

/** 'accounts/a/orgs/o' → 'accounts/a' */
export const trailOf = (scope: string): string => scope.split('/').slice(0, 2).join('/');

function put(tx: Session, actor: Actor, act: Act, outcome: Outcome): void {
  const texts = pending.get(tx) ?? begin(tx);
  const account = trailOf(act.scope);
  const text = write(actor, act, outcome);
  const known = texts.get(account);
  if (known === undefined) texts.set(account, [text]);
  else known.push(text);
}

function begin(tx: Session): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  beforeCommit(tx, () => append(tx, texts));
  pending.set(tx, texts);
  return texts;
}

/** @throws AUDIT_UNWRITABLE */
async function append(tx: Session, texts: ReadonlyMap<string, string[]>): Promise<void> {
  // Whoever writes to two trails takes them in the same order as everybody else.
  for (const account of [...texts.keys()].toSorted())
    await appendEntries(tx, account, texts.get(account) ?? []);
}

/** The text that is hashed. */
function write(actor: Actor, { action, scope, target, data }: Act, outcome: Outcome): string {
  const known = { at: new Date().toISOString(), actor, action, scope, target, ...outcome };
  const text = toJson(data === undefined ? known : { ...known, data });
  if (Buffer.byteLength(text) <= ENTRY_BYTES_MAX) return text;
  const sha256 = createHash('sha256').update(text).digest('hex');
  return toJson({ ...known, data: { omitted: 'what else there was to know is too long', sha256 } });
}

const toJson = (value: object): string =>
  JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? cutText(storable(item), TEXT_CHARACTERS_MAX) : item,
  );
