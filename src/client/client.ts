// The API of a manager for programs, the web page and the command line, typed by its OpenAPI document.
//
//   import { answer, connect } from 'sallyport/client';
//   const api = connect({ server: 'https://sallyport.example', token, scope: 'accounts/demo' });
//   const { yaml } = await answer(api.GET('/entities/{kind}/{id}', { params: { path: { kind: 'pipeline', id: 'build' } } }));
import createFetchClient, { type Client } from 'openapi-fetch';
import { ApiError } from './api-error.js';
import { patientFetch } from './patient-fetch.js';
import type { components, paths } from './routes.js';

export { ApiError };

type Schemas = components['schemas'];
export type Entity = Schemas['Entity'];
export type Operation = Schemas['Operation'];
export type CloudEvent = Schemas['Event'];

export interface ClientOptions {
  /** The manager's address, with the path that a proxy serves it under, without `/api/v1`. */
  server: string;
  /** Left out where a cookie says who asks: in the page, after its sign-in. */
  token?: string;
  /** `accounts/A`, `accounts/A/orgs/O` or `accounts/A/orgs/O/projects/P`. */
  scope: string;
  /** For how long a request is sent again while nobody answers or the manager asks to come back later, in ms. */
  patienceMs?: number;
}

const PATIENCE_MS = 30_000;
const KEY = 'idempotency-key';
/** The roads that remember keys. */
const KEYED = new Set<string>(['/entities/{kind}/{id}', '/moves'] satisfies (keyof paths)[]);

export type Api = Client<paths>;

/** Every method throws ApiError for what the API refuses, and TypeError where nobody answers. */
export function connect({ patienceMs = PATIENCE_MS, ...options }: ClientOptions): Api {
  const api = createFetchClient<paths>({
    baseUrl: baseOf(options),
    headers: authorizationOf(options),
    fetch: patientFetch({ patienceMs }),
  });
  api.use({
    onRequest: ({ request, schemaPath }) => {
      if (request.method !== 'GET' && KEYED.has(schemaPath) && !request.headers.has(KEY))
        request.headers.set(KEY, crypto.randomUUID());
    },
    onResponse: async ({ response }) => {
      if (!response.ok) throw await ApiError.of(response);
    },
  });
  return api;
}

/** What a call answered. @throws what the call throws */
export async function answer<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  return data as T;
}

export const authorizationOf = ({ token }: Pick<ClientOptions, 'token'>): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

export const baseOf = ({ server, scope }: Pick<ClientOptions, 'server' | 'scope'>): string =>
  `${server.replace(/\/+$/, '')}/api/v1/${scope}`;
