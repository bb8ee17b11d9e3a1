import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { DiffProps } from './diff.js';

/** The comparison and what makes it come when the first is shown. */
export function LazyDiff(props: DiffProps) {
  const [Diff, setDiff] = useState<ComponentType<DiffProps> | undefined>(undefined);
  useEffect(() => {
    void import('./diff.js').then((module) => setDiff(() => module.Diff));
  }, []);
  return Diff === undefined ? <span class="skeleton" /> : <Diff {...props} />;
}
