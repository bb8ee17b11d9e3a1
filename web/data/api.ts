// The generated client for the scope that is looked at.
import { type Api, connect } from '../../src/client/client.js';
import type { components } from '../../src/client/routes.js';
import { server } from './place.js';
import { isSignedOut, session } from './session.js';

export { ApiError, type Problem } from '../../src/client/api-error.js';
export { type Api, answer } from '../../src/client/client.js';

export type Schemas = components['schemas'];

/** Of reads and saves while nobody answers. */
const PATIENCE_MS = 15_000;
const known = new Map<string, Api>();

export function apiOf(scope: string): Api {
  let api = known.get(scope);
  if (api === undefined) {
    api = connect({ server, scope, patienceMs: PATIENCE_MS });
    known.set(scope, api);
  }
  return api;
}

/** What fails because the session is over shows the sign-in in its place. */
export function noteRefusal(error: unknown): void {
  if (isSignedOut(error)) session.set(null);
}
