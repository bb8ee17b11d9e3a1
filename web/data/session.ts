// Who is signed in. The page holds no token: the manager answers a sign-in with a cookie that no script can read.
import { ApiError } from '../../src/client/api-error.js';
import { patientFetch } from '../../src/client/patient-fetch.js';
import type { components } from '../../src/client/routes.js';
import { server } from './place.js';
import { Store } from './store.js';

type Schemas = components['schemas'];
export type Me = Schemas['Me'];
export type Doors = Schemas['SignInWays'];

export type ListedScope = Schemas['Scope'];

/** Undefined until it is known; null for nobody. */
export const session = new Store<Me | null | undefined>(undefined);

const PATIENCE_MS = 10_000;
const ask = patientFetch({ patienceMs: PATIENCE_MS });

/** @throws ApiError, TypeError */
export async function openSession(): Promise<void> {
  try {
    session.set(await read<Me>('me'));
  } catch (error) {
    if (!isSignedOut(error)) throw error;
    session.set(null);
  }
}

/** @throws ApiError for a token that is not good, TypeError */
export async function signIn(token: string): Promise<void> {
  await send('POST', 'session', { authorization: `Bearer ${token}` });
  await openSession();
}

export async function signOut(): Promise<void> {
  await send('DELETE', 'session').catch((error: unknown) => {
    if (!isSignedOut(error)) throw error;
  });
  session.set(null);
}

/** @param account empty: the one that the manager takes for it */
export const readDoors = (account: string): Promise<Doors> =>
  read<Doors>(account === '' ? 'sign-in' : `sign-in?account=${encodeURIComponent(account)}`);

/** Where a browser goes to sign in elsewhere, and comes back from to where it was. */
export function doorOf(id: string, account: string): string {
  const isPlace = location.hash.startsWith('#/accounts/');
  const query = new URLSearchParams({ account, returnTo: isPlace ? location.hash : '#/' });
  return `${server}/api/v1/sign-in/${encodeURIComponent(id)}?${query.toString()}`;
}

/** All of them: the switcher searches by itself. */
export async function listScopes(account: string): Promise<ListedScope[]> {
  const listed: ListedScope[] = [];
  let cursor = '';
  do {
    const page = await read<Schemas['Scopes']>(
      `accounts/${encodeURIComponent(account)}/scopes?limit=1000${cursor}`,
    );
    listed.push(...page.scopes);
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  return listed;
}

/** The session is over, or never was. */
export const isSignedOut = (error: unknown): boolean =>
  error instanceof ApiError && error.problem.status === 401;

async function read<T>(path: string): Promise<T> {
  return (await (await send('GET', path)).json()) as T;
}

async function send(method: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await ask(new Request(`${server}/api/v1/${path}`, { method, headers }));
  if (!response.ok) throw await ApiError.of(response);
  return response;
}
