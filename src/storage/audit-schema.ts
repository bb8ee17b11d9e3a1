// The trails of who did what, as TypeScript sees them. They are written by the function `audit_append` alone.

/** Where the trail of an account ends. */
export interface AuditHeadTable {
  account: string;
  position: number;
  hash: Buffer;
}

export interface AuditEntryTable {
  account: string;
  /** From 1, without gaps. */
  position: number;
  /** Of the entry before it; zeros before the first. */
  previous: Buffer;
  hash: Buffer;
  /** JSON, exactly as it was hashed. */
  entry: string;
  /** What follows is read from the entry, to look for it by. */
  at: Date;
  actor_kind: string;
  actor_id: string;
  actor_name: string;
  action: string;
  scope: string;
  target: string;
  outcome: 'done' | 'refused' | 'denied' | 'begun' | 'failed';
}
