// Lists that come page by page: what was read stays, and more is read on asking.
import { useEffect, useState } from 'preact/hooks';
import { useAction } from './action.js';
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
}

/** @param read the page after the cursor; without one, the first */
export function usePages<Row>(
  key: string,
  read: (cursor: string | undefined) => Promise<Page<Row>>,
  options: ResourceOptions = {},
): Pages<Row> {
  const first = useResource(key, () => read(undefined), options);
  const [later, setLater] = useState<Page<Row> | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  useEffect(() => setLater(undefined), [key]);
  const next = (later ?? first.data)?.next ?? null;
  const more = (): void => {
    if (next === null) return;
    void run(async () => {
      const page = await read(next);
      setLater((before) => ({ rows: [...(before?.rows ?? []), ...page.rows], next: page.next }));
    });
  };
  return {
    rows: first.data === undefined ? undefined : [...first.data.rows, ...(later?.rows ?? [])],
    error: first.error ?? error,
    isMore: next !== null,
    isBusy,
    more,
    reload: first.reload,
  };
}
