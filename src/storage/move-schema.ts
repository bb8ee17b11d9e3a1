// The tables of moves; schema.ts has the rest.
import type { Generated } from 'kysely';
import type { Json, Stamp } from './columns.js';

export type MoveState = 'adding' | 'removing' | 'done' | 'failed';

/** Entities that are brought to another place. */
export interface MoveTable {
  id: string;
  /** Order of acceptance. */
  sequence: Generated<number>;
  scope: string;
  account: string;
  /** `adding`: the commit at the target is to come; `removing`: the files they came from are to go. */
  state: MoveState;
  target: Json<object>;
  keep_files: boolean;
  message: string | null;
  author_name: string;
  author_email: string;
  requested_by: string;
  idempotency_key: string | null;
  request_hash: Buffer | null;
  created_at: Stamp;
  finished_at: Date | null;
}

export type MoveItemState = 'adding' | 'removing' | 'done' | 'left' | 'failed' | 'same' | 'blocked';

export interface MoveItemTable {
  move_id: string;
  at: number;
  scope: string;
  kind: string;
  entity_id: string;
  /** `left`: it is at its new place, and the file it came from is still there; `failed`: it is where it was. */
  state: MoveItemState;
  /** Where it came from, and with which content; null where there was no such entity. */
  origin: Json<object> | null;
  /** At the target; null for inline, and where there is no such place. */
  path: string | null;
  /** What brings it to its place. */
  operation_id: string | null;
  /** What removes the file it came from, where that is another operation. */
  removal_id: string | null;
  failure: Json<object> | null;
}

/** One file of an operation that has many. */
export interface OperationChangeTable {
  operation_id: string;
  at: number;
  kind: string;
  entity_id: string;
  path: string;
  /** `arrive`: the file is written. `leave`: it goes in the commit in which it arrives elsewhere; `remove`: after that; `inline`: it goes, and the entity stays. */
  meaning: 'arrive' | 'leave' | 'remove' | 'inline';
  /** The document that is moved, where this change settles where it is. */
  yaml: Buffer | null;
  /** `any`, or a blob id. */
  expected: string;
  /** Where it came from. */
  origin: Json<object> | null;
}
