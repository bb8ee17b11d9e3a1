// What clients sent and what they were told, and what the API says afterwards: all that the verdict is made of.

/** One change a client asked for, under one idempotency key. */
export interface Sent {
  key: string;
  client: string;
  /** As in the API: `accounts/a[/orgs/o]`. */
  scope: string;
  /** Folder name of the repository, without `.git`. */
  repository: string;
  branch: string;
  entity: string;
  /** Null deletes. */
  yaml: string | null;
  /** How it must end: a conflict where the client named a version that is not there any more. */
  expected: 'succeeded' | 'conflict';
  /** Whether nobody but this client changes the entity. */
  isOwn: boolean;
  /** Ids of the operations the answers named: one and the same, however often the client had to ask. */
  operations: string[];
  /** The last answer, or why there was none. */
  answer: string;
}

/** An operation as the API shows it, as far as it counts here. */
export interface ShownOperation {
  id: string;
  scope: string;
  state: 'pending' | 'succeeded' | 'conflict' | 'failed';
  waitsFor: string | null;
  git: { branch: string; path: string; commitId: string | null; blobId: string | null };
  yaml: string | null;
  problem: { code: string; detail: string } | null;
}

export interface ShownEntity {
  scope: string;
  id: string;
  yaml: string;
  git: { branch: string; path: string; commitId: string; blobId: string };
}

export interface Evidence {
  sent: Sent[];
  operations: ShownOperation[];
  entities: ShownEntity[];
  repositories: { name: string; scope: string; branches: string[] }[];
}
