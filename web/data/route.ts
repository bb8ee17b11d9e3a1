// Where in the page one is: all of it is in the fragment, so that every place has an address and no server has to know it.
//
//   #/accounts/demo/orgs/shop/entities/pipeline/build?branch=main
//     scope: accounts/demo/orgs/shop, path: [entities, pipeline, build], query: branch=main
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  /** Null where the address names none. */
  scope: string | null;
  path: string[];
  query: URLSearchParams;
}

const SCOPE = /^accounts\/[^/]+(?:\/orgs\/[^/]+(?:\/projects\/[^/]+)?)?(?=\/|$)/;

export function readRoute(hash: string): Route {
  const [way = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const scope = SCOPE.exec(way)?.[0] ?? null;
  const path = way.slice(scope?.length ?? 0).split('/');
  return { scope, path: path.filter((word) => word !== '').map(decode), query: new URLSearchParams(query) };
}

export type Query = Record<string, string | undefined>;

/** The address of a place; whatever is empty is left out of its query. */
export function hrefOf(scope: string, path: readonly string[], query: Query = {}): string {
  const given = Object.entries(query).filter((one): one is [string, string] => (one[1] ?? '') !== '');
  const tail = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
  return `#/${[scope, ...path.map(encodeURIComponent)].join('/')}${tail}`;
}

export function goTo(href: string): void {
  location.hash = href;
}

/** Where one was is not worth coming back to. */
export function goOn(href: string): void {
  location.replace(href);
}

/** The same place with another query; no step of the browser’s history. */
export function refine({ scope, path, query }: Route, more: Query): void {
  const next = hrefOf(scope ?? '', path, { ...Object.fromEntries(query), ...more });
  history.replaceState(null, '', next);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return readRoute(hash);
}

function decode(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
