import type { ComponentType, FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ProblemBox } from './problem.js';

/** What is looked at seldom, and what makes it come when somebody does. */
export function lazily<P extends object>(load: () => Promise<ComponentType<P>>): FunctionComponent<P> {
  return function Lazy(props: P) {
    const [{ Shown, error }, set] = useState<{ Shown?: ComponentType<P>; error?: unknown }>({});
    useEffect(() => {
      load().then(
        (found) => set({ Shown: found }),
        (reason: unknown) => set({ error: reason }),
      );
    }, []);
    if (Shown !== undefined) return <Shown {...props} />;
    return error === undefined ? <span class="skeleton" /> : <ProblemBox error={error} />;
  };
}
