// What is read from the API and shown: at once where it was read before, and again when something changed.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { noteRefusal } from './api.js';
import { useLive } from './live.js';

export interface Resource<T> {
  /** What was read last, also while it is read again. */
  data: T | undefined;
  /** Why it could not be read, the last time. */
  error: unknown;
  /** Whether it was read since it is looked at. */
  isFresh: boolean;
  reload: () => Promise<void>;
}

export interface ResourceOptions {
  /** Beginnings of the types of events after which it is read again. */
  live?: readonly string[];
  /** Read again this often, in ms, for what no event tells. */
  everyMs?: number;
}

const KEPT_MAX = 200;
const kept = new Map<string, unknown>();

export function forgetAll(): void {
  kept.clear();
}

/** @param key names what is read; null: nothing yet */
export function useResource<T>(
  key: string | null,
  load: () => Promise<T>,
  { live = [], everyMs }: ResourceOptions = {},
): Resource<T> {
  const [read, setRead] = useState<{ key: string | null; data: T | undefined; error: unknown }>({
    key: null,
    data: undefined,
    error: undefined,
  });
  const now = useRef({ key, load });
  now.current = { key, load };
  const reload = useCallback(async (): Promise<void> => {
    const { key: asked, load: ask } = now.current;
    if (asked === null) return;
    const settle = (data: T | undefined, error: unknown): void => {
      if (now.current.key === asked) setRead({ key: asked, data, error });
    };
    try {
      const data = await together(asked, ask);
      keep(asked, data);
      settle(data, undefined);
    } catch (error) {
      noteRefusal(error);
      settle(kept.get(asked) as T | undefined, error);
    }
  }, []);
  useEffect(() => void reload(), [key, reload]);
  useLive(live, () => void reload());
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) void reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs, reload]);
  if (read.key === key) return { data: read.data, error: read.error, isFresh: true, reload };
  const known = key === null ? undefined : (kept.get(key) as T | undefined);
  return { data: known, error: undefined, isFresh: false, reload };
}

/** What several parts of a screen ask at the same moment is asked once. */
const asking = new Map<string, { at: number; answer: Promise<unknown> }>();
const SAME_MOMENT_MS = 40;

function together<T>(key: string, ask: () => Promise<T>): Promise<T> {
  const known = asking.get(key);
  if (known !== undefined && performance.now() - known.at < SAME_MOMENT_MS) return known.answer as Promise<T>;
  const fresh = { at: performance.now(), answer: ask() };
  asking.set(key, fresh);
  const forget = (): void => {
    if (asking.get(key) === fresh) asking.delete(key);
  };
  fresh.answer.then(forget, forget);
  return fresh.answer;
}

function keep(key: string, data: unknown): void {
  kept.delete(key);
  kept.set(key, data);
  const oldest = kept.keys().next().value;
  if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
}
