// Puts a secret through the API. For every secret manager but the builtin one the value is sealed here, to the delegate group
// that the API names and whose fingerprint can be pinned: nobody on the way can read it.
import { randomUUID } from 'node:crypto';
import { ApiError } from '../client/api-error.js';
import {
  fingerprint,
  type SealingSuite,
  type SealingTargets,
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

const SEALED_MS = 14 * 60_000;

/** @throws ApiError, TargetRefused */
export async function putSecret(secret: SecretToPut): Promise<PutResult> {
  if (secret.manager === 'builtin') {
    const value = Buffer.from(secret.value).toString(secret.kind === 'file' ? 'base64' : 'utf8');
    const { version } = await ask(secret, 'PUT', { manager: 'builtin', kind: secret.kind, value });
    return { state: 'kept', version: String(version), sealedTo: null };
  }
  const targets = (await ask(secret, 'GET')) as unknown as SealingTargets & { groupName: string };
  const target = targetIn(secret.suite ?? (await suiteOfRuntime()), targets);
  const { scope, id, manager, managerScope, kind } = secret;
  const version = randomUUID();
  const expiresAt = Date.now() + SEALED_MS;
  const place = { scope, secret: id, version, managerScope, manager, expiresAt };
  const sealed = await sealValue(secret.value, target, place, secret.fingerprint);
  const answer = await ask(secret, 'PUT', {
    manager: nameFrom(scope, managerScope, manager),
    kind,
    sealed: { group: target.group, version, expiresAt, ...sealed },
  });
  const sealedTo = { group: targets.groupName, fingerprint: await fingerprint(target.identityKey) };
  return { state: answer.state === 'pending' ? 'pending' : 'kept', version, sealedTo };
}

/** Whether what is in the one scope can be named from the other. */
export const isWithin = (scope: string, outer: string): boolean =>
  scope === outer || scope.startsWith(`${outer}/`);

/** Bare, the name would be that of the nearest. */
function nameFrom(scope: string, managerScope: string, manager: string): string {
  if (managerScope === scope) return manager;
  return managerScope.includes('/orgs/') ? `org.${manager}` : `account.${manager}`;
}

/** Without a body: whom to seal to. */
async function ask(
  { url, token, scope, id, manager, managerScope }: SecretToPut,
  method: 'GET' | 'PUT',
  body?: object,
): Promise<Record<string, unknown>> {
  const path =
    body === undefined ? `${managerScope}/secret-managers/${manager}/sealing-key` : `${scope}/secrets/${id}`;
  const response = await fetch(`${url}/api/v1/${path}`, {
    method,
    redirect: 'error',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw await ApiError.of(response);
  return (await response.json()) as Record<string, unknown>;
}
