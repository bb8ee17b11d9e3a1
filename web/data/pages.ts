// Lists that come page by page: what was read stays, and more is read on asking.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useAction } from './action.js';
import { type Held, hold, reachesEnd, show } from './held.js';
import { type Resource, type ResourceOptions, useResource } from './resource.js';

export interface Page<Row> {
  rows: Row[];
  next: string | null;
}

export interface Pages<Row> {
  /** Undefined while the first is read. */
  rows: Row[] | undefined;
  error: unknown;
  isMore: boolean;
  isBusy: boolean;
  more: () => void;
  reload: Resource<unknown>['reload'];
  keyOf: (row: Row) => string;
  /** What came and went since, which `update` shows. */
  held: Pick<Held<Row>, 'news' | 'gone'>;
  update: () => void;
}

export interface PagesOptions<Row> extends ResourceOptions {
  /** Tells one row from another. */
  keyOf: (row: Row) => string;
}

interface Shown<Row> {
  key: string;
  rows: Row[];
  /** Where what is shown ends. */
  next: string | null;
  held: Pick<Held<Row>, 'news' | 'gone'>;
  /** Whether it was read since it is looked at, not before. */
  isFresh: boolean;
}

const NOTHING_HELD = { news: 0, gone: new Set<string>() };

/**
 * What others do while one looks moves no row: it is held until asked for. What one does oneself, and `reload`s for, is shown.
 * @param read the page after the cursor; without one, the first
 */
export function usePages<Row>(
  key: string,
  read: (cursor: string | undefined) => Promise<Page<Row>>,
  { keyOf, ...options }: PagesOptions<Row>,
): Pages<Row> {
  const first = useResource(key, () => read(undefined), options);
  const [shown, setShown] = useState<Shown<Row> | undefined>(undefined);
  const isAsked = useRef(false);
  const { isBusy, error, run } = useAction();
  const { data, isFresh } = first;
  const settle = (isHeld: boolean): void => {
    if (data === undefined) return;
    setShown((before) => {
      if (before === undefined || before.key !== key) return { key, ...data, held: NOTHING_HELD, isFresh };
      const next = reachesEnd(before.rows, data, keyOf) ? data.next : before.next;
      // What was read before is replaced by what is there now, as if it were read for the first time.
      const isBegun = before.isFresh && before.rows.length > 0;
      if (!isHeld || !isBegun)
        return { key, rows: show(before.rows, data, keyOf), next, held: NOTHING_HELD, isFresh };
      const { rows, ...held } = hold(before.rows, data, keyOf);
      return { ...before, rows, next, held };
    });
  };
  useLayoutEffect(() => {
    settle(!isAsked.current);
    isAsked.current = false;
  }, [key, data, isFresh]);
  const present = shown?.key === key ? shown : undefined;
  const more = (): void => {
    const next = present?.next ?? null;
    if (next === null) return;
    void run(async () => {
      const page = await read(next);
      setShown((before) =>
        before?.key === key && before.next === next
          ? { ...before, rows: [...before.rows, ...page.rows], next: page.next }
          : before,
      );
    });
  };
  return {
    rows: present?.rows,
    error: first.error ?? error,
    isMore: present !== undefined && present.next !== null,
    isBusy,
    more,
    keyOf,
    reload: async () => {
      isAsked.current = true;
      await first.reload();
    },
    held: present?.held ?? NOTHING_HELD,
    update: () => settle(false),
  };
}
