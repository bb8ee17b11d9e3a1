import { useEffect, useState } from 'preact/hooks';
import { type Route, refine } from './route.js';

const TYPED_MS = 200;

/** A filter that is typed: it is in the address once one has stopped typing. */
export function useTypedFilter(route: Route, name: string): [string, (text: string) => void] {
  const sought = route.query.get(name) ?? '';
  const [typed, setTyped] = useState(sought);
  useEffect(() => setTyped(sought), [sought]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (sought !== typed) refine(route, { [name]: typed });
    }, TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped];
}
