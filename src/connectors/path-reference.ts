// A connector's credential that has no secret here, as the secret that it would be.
import { createHash } from 'node:crypto';
import { Failure } from '../kernel/failure.js';
import { readPathReference } from '../policy/path-references.js';
import type { HeldSecret } from '../secrets/secrets.repository.js';
import type { Connector } from './connectors.repository.js';
import type { ReferredCredential } from './credential.js';

export type ReferredSecret = HeldSecret & { keptBy: NonNullable<HeldSecret['keptBy']> };

/** @throws SECRET_UNREADABLE where the row was changed behind our back */
export function referredSecret({ scope, id }: Connector, credential: ReferredCredential): ReferredSecret {
  const { reference, manager, managerScope } = credential;
  const read = readPathReference(reference);
  if ('problem' in read)
    throw new Failure('SECRET_UNREADABLE', { secret: id, reason: `its reference ${read.problem}` });
  const { path, field, version: storeVersion } = read;
  const version = versionOf(reference);
  return {
    scope,
    // No secret has such a name, so that neither its records nor it are taken for a secret’s.
    id: `connector:${id}`,
    keptBy: { scope: managerScope, id: manager },
    stored: { format: 'sallyport-reference-1', version, path, field, storeVersion },
  };
}

/** The same for the same reference: a UUID of version 8, made of its digest. */
function versionOf(reference: string): string {
  const digest = createHash('sha256').update(`sallyport path reference:${reference}`).digest('hex');
  const parts = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
  ];
  return [...parts, digest.slice(20, 32)].join('-');
}
