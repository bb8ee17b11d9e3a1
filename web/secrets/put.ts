// A value on its way from whoever types it. For every secret manager but the builtin one it is sealed here, to the delegate group
// that keeps it: the manager passes on what it cannot read.
import {
  fingerprint as fingerprintOf,
  sealValue,
  suiteOfRuntime,
  targetIn,
} from '../../src/sealing/client-sealing.js';
import { type Api, answer, type Schemas } from '../data/api.js';
import type { NearManager } from './secret-managers.js';

export type SecretKind = Schemas['Secret']['kind'];

export interface Written {
  id: string;
  kind: SecretKind;
  value: string;
}

const SEALED_MS = 14 * 60_000;
const AGAIN_MS = 1_500;
const WAIT_MS = 60_000;

/** The builtin secret manager is to open it: it goes as it is, over the connection alone. */
export async function putBuiltin(api: Api, { id, kind, value }: Written): Promise<void> {
  const params = { path: { id } };
  const manager = 'builtin' as const;
  if (kind === 'text') await api.PUT('/secrets/{id}', { params, body: { manager, kind, value } });
  else if (kind === 'ssh-key') await api.PUT('/secrets/{id}', { params, body: { manager, kind, value } });
  else {
    const encoded = toBase64(new TextEncoder().encode(value));
    await api.PUT('/secrets/{id}', { params, body: { manager, kind, value: encoded } });
  }
}

export interface SealedPut {
  api: Api;
  scope: string;
  written: Written;
  near: NearManager;
  key: Schemas['SealingKey'];
  /** Of the group, as it was compared with what enrolment showed. */
  pinned: string;
  /** While the delegates have yet to take it: what it waits for. */
  onPending: (waitsFor: string) => void;
}

/** @throws TargetRefused where the group is not the pinned one; Error once nobody took it for a minute */
export async function putSealed({
  api,
  scope,
  written,
  near,
  key,
  pinned,
  onPending,
}: SealedPut): Promise<void> {
  const { id, kind, value } = written;
  const target = targetIn(await suiteOfRuntime(), key);
  const version = crypto.randomUUID();
  const expiresAt = Date.now() + SEALED_MS;
  const { scope: managerScope, id: manager } = near.manager;
  const place = { scope, secret: id, version, managerScope, manager, expiresAt };
  const sealed = await sealValue(new TextEncoder().encode(value), target, place, pinned);
  const body = { manager: near.name, kind, sealed: { group: target.group, version, expiresAt, ...sealed } };
  for (const end = Date.now() + WAIT_MS; ; ) {
    const { data, response } = await api.PUT('/secrets/{id}', { params: { path: { id } }, body });
    if (response.status !== 202) return;
    const { waitsFor } = data as Schemas['PendingSecret'];
    onPending(waitsFor);
    if (Date.now() > end) throw new Error(`Nobody took the value into keeping yet: it waits for ${waitsFor}`);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

export const readSealingKey = (api: Api, id: string): Promise<Schemas['SealingKey']> =>
  answer(api.GET('/secret-managers/{id}/sealing-key', { params: { path: { id } } }));

/** Computed here: what the manager says of it is not taken for it. */
export const fingerprintIn = (key: Schemas['SealingKey']): Promise<string> => fingerprintOf(key.identityKey);

const pinOf = ({ deployment, group }: Schemas['SealingKey']): string =>
  `sallyport.fingerprint.${deployment}.${group}`;

/** What this browser was told to believe; null: nothing yet. */
export const pinnedFor = (key: Schemas['SealingKey']): string | null => localStorage.getItem(pinOf(key));

export const pin = (key: Schemas['SealingKey'], fingerprint: string): void =>
  localStorage.setItem(pinOf(key), fingerprint);

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
