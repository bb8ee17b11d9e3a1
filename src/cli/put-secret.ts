// Puts a secret through the API. For every secret manager but the builtin one the value is sealed here, to the delegate group
// that the API names and whose fingerprint can be pinned: nobody on the way can read it.
import { randomUUID } from 'node:crypto';
import { answer, connect } from '../client/client.js';
import type { components, paths } from '../client/routes.js';
import {
  fingerprint,
  type SealingSuite,
  sealValue,
  suiteOfRuntime,
  targetIn,
} from '../sealing/client-sealing.js';

export interface SecretToPut {
  /** The manager's, without `/api/v1`. */
  url: string;
  token: string;
  scope: string;
  id: string;
  /** Name of the secret manager, and the scope it is in: the secret’s own or one further out. */
  manager: string;
  managerScope: string;
  kind: 'text' | 'file' | 'ssh-key';
  value: Uint8Array;
  /** Of the group; anybody else is not sealed to. */
  fingerprint: string | undefined;
  /** Default: X25519 where this runtime has it, else P-256. */
  suite?: SealingSuite | undefined;
}

export interface PutResult {
  /** `pending`: a delegate has yet to take it. */
  state: 'kept' | 'pending';
  version: string;
  /** Whom it was sealed to, and its fingerprint; null for the builtin secret manager. */
  sealedTo: { group: string; fingerprint: string } | null;
}

type Body = paths['/secrets/{id}']['put']['requestBody']['content']['application/json'];

const SEALED_MS = 14 * 60_000;

/** What is sent again has no second effect: a sealed version is known by its id. @throws ApiError, TargetRefused */
export async function putSecret(secret: SecretToPut): Promise<PutResult> {
  const { url: server, token, scope, id, manager, managerScope, kind } = secret;
  const api = connect({ server, token, scope });
  const put = (body: Body) => answer(api.PUT('/secrets/{id}', { params: { path: { id } }, body }));
  if (manager === 'builtin') {
    const value = Buffer.from(secret.value).toString(kind === 'file' ? 'base64' : 'utf8');
    const kept = await put({ manager, kind, value } as Body);
    return { state: 'kept', version: (kept as components['schemas']['Secret']).version, sealedTo: null };
  }
  const outer = connect({ server, token, scope: managerScope });
  const targets = await answer(
    outer.GET('/secret-managers/{id}/sealing-key', { params: { path: { id: manager } } }),
  );
  const target = targetIn(secret.suite ?? (await suiteOfRuntime()), targets);
  const version = randomUUID();
  const expiresAt = Date.now() + SEALED_MS;
  const place = { scope, secret: id, version, managerScope, manager, expiresAt };
  const sealed = await sealValue(secret.value, target, place, secret.fingerprint);
  const kept = await put({
    manager: nameFrom(scope, managerScope, manager),
    kind,
    sealed: { group: target.group, version, expiresAt, ...sealed },
  });
  const sealedTo = { group: targets.groupName, fingerprint: await fingerprint(target.identityKey) };
  return { state: 'waitsFor' in kept ? 'pending' : 'kept', version, sealedTo };
}

/** Whether what is in the one scope can be named from the other. */
export const isWithin = (scope: string, outer: string): boolean =>
  scope === outer || scope.startsWith(`${outer}/`);

/** Bare, the name would be that of the nearest. */
function nameFrom(scope: string, managerScope: string, manager: string): string {
  if (managerScope === scope) return manager;
  return managerScope.includes('/orgs/') ? `org.${manager}` : `account.${manager}`;
}
