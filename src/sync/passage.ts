// How an operation came to Git, as far as it came: kept with the plan while that may be pushed, and from the operation's end on with the
// operation, by the statement that ends it. What led to nothing and was tried again leaves no trace here.

/** Who had the host's answer to a push. */
export type Pusher =
  | { connectivity: 'manager' }
  | { connectivity: 'delegate'; delegate: { id: string; name: string; group: string } };

/** Times as ISO 8601, by the clock of the manager that wrote. */
export interface Passage {
  /** When the writer of its lane chose it for a batch. */
  takenAt?: string | undefined;
  /** When the batch's plan was stored. */
  plannedAt?: string | undefined;
  /** When it was known what has become of the push. */
  pushedAt?: string | undefined;
  pushedBy?: Pusher | undefined;
}

/** Of a stored plan, which from before these were kept has none. */
export const passageOf = ({ takenAt, plannedAt }: Pick<Passage, 'takenAt' | 'plannedAt'>): Passage => ({
  takenAt,
  plannedAt,
});

export const passageColumns = ({ takenAt, plannedAt, pushedAt, pushedBy }: Passage) => ({
  taken_at: toDate(takenAt),
  planned_at: toDate(plannedAt),
  pushed_at: toDate(pushedAt),
  pushed_by: pushedBy === undefined ? null : JSON.stringify(pushedBy),
});

const toDate = (at: string | undefined): Date | null => (at === undefined ? null : new Date(at));

interface Columns {
  taken_at: Date | null;
  planned_at: Date | null;
  pushed_at: Date | null;
  pushed_by: object | null;
}

/** Of an operation that has ended. */
export const endedPassage = ({ taken_at, planned_at, pushed_at, pushed_by }: Columns): Passage => ({
  takenAt: taken_at?.toISOString(),
  plannedAt: planned_at?.toISOString(),
  pushedAt: pushed_at?.toISOString(),
  pushedBy: (pushed_by as Pusher | null) ?? undefined,
});
