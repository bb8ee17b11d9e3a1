import type { Generated } from 'kysely';
import type { Json, Stamp } from './columns.js';

/** The copy of what is in Git. */
export interface EntityTable {
  scope: string;
  kind: string;
  id: string;
  branch: string;
  connector_scope: string;
  connector_id: string;
  repository: string;
  path: string;
  yaml: Buffer;
  blob_id: string;
  commit_id: string;
  /** The save that wrote it; null for what came from Git. */
  operation_id: string | null;
  /** Why what stands in Git is no document of its kind, where it is not. */
  invalid: Json<object> | null;
  /** Order in which entities were first saved, here or inline; pages follow it. */
  sequence: Generated<number>;
  created_at: Stamp;
  updated_at: Generated<Date>;
}

/** Entities that are in no repository. None of them has a copy. */
export interface InlineEntityTable {
  scope: string;
  kind: string;
  id: string;
  yaml: Buffer;
  /** As Git would name the bytes. */
  blob_id: string;
  /** The save that wrote it. */
  operation_id: string;
  sequence: Generated<number>;
  created_at: Stamp;
  updated_at: Generated<Date>;
}
