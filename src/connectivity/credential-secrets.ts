// The secrets that a credential of a connector names, as they are at this moment, and a digest that changes with any of them.
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Connector } from '../connectors/connectors.repository.js';
import { type Credential, usesOf } from '../connectors/credential.js';
import { referredSecret } from '../connectors/path-reference.js';
import { Failure } from '../kernel/failure.js';
import { type CurrentSecret, CurrentSecretsRepository } from '../secrets/current-secrets.repository.js';
import { assertWithinReach } from '../secrets/secrets.service.js';
import { SecretCarrier } from './secret-carrier.js';

/** By the member that names it: `refreshToken`; `secret` also for what a store has. */
export type Secrets = ReadonlyMap<string, CurrentSecret>;

export interface Looked<C extends Credential = Credential> {
  credential: C;
  secrets: Secrets;
  /** Another one after every edit of the credential, of any of its secrets, and of where they are shown; see `fingerprintOf`. */
  fingerprint: string;
}

@Injectable()
export class CredentialSecrets {
  constructor(
    private readonly secrets: CurrentSecretsRepository,
    private readonly carrier: SecretCarrier,
  ) {}

  /** @throws NOT_FOUND, SECRET_DELETED, SECRET_OUT_OF_REACH */
  async look(connector: Connector, credential: Credential): Promise<Looked> {
    const secrets = await this.#secretsOf(connector, credential);
    return { credential, secrets, fingerprint: fingerprintOf(connector, { credential, secrets }) };
  }

  /** Of the connector's trust; none where it has no secrets. @throws as `look` */
  async lookAtTrust(connector: Connector): Promise<Secrets> {
    return this.#find(connector, usesOf('trust', connector.trust));
  }

  async #secretsOf(connector: Connector, credential: Credential): Promise<Secrets> {
    if (!('reference' in credential)) return this.#find(connector, usesOf('credential', credential));
    const secret = await this.carrier.complete(referredSecret(connector, credential));
    assertWithinReach(secret, connector.connectivity);
    return new Map([['secret', secret]]);
  }

  async #find(connector: Connector, uses: ReturnType<typeof usesOf>): Promise<Secrets> {
    const found = new Map<string, CurrentSecret>();
    for (const { part, scope, id } of uses) {
      const secret = await this.secrets.find(scope, id);
      assertWithinReach(secret, connector.connectivity);
      found.set(part.slice(part.indexOf('.') + 1), secret);
    }
    return found;
  }
}

/**
 * Of a refresh token the same for all connectors that name it: what comes of it is no matter of where it is shown. `instead`: as it
 * is with this version of a member's secret.
 */
export function fingerprintOf(
  { scope, id, url, apiUrl }: Connector,
  { credential, secrets }: Omit<Looked, 'fingerprint'>,
  instead: Record<string, string> = {},
): string {
  const versions = [...secrets].map(([part, { stored }]) => [part, instead[part] ?? stored.version]);
  const isShared = 'kind' in credential && credential.kind === 'oauth2';
  const what = isShared
    ? ['oauth2', credential.tokenUrl, credential.clientId]
    : [scope, id, url, apiUrl, credential];
  return createHash('sha256')
    .update(JSON.stringify([...what, versions]))
    .digest('base64url');
}

export const versionsKey = (secrets: Secrets): string =>
  JSON.stringify([...secrets].map(([part, { stored }]) => [part, stored.version]));

/** Which the credential has to name. */
export function required(secrets: Secrets, part: string): CurrentSecret {
  const secret = secrets.get(part);
  if (secret === undefined) throw new Failure('NOT_FOUND', { what: 'secret', id: part });
  return secret;
}

/** What the host's API is shown: what Git is shown where nothing else is said, but for a private key, which no API takes. */
export function credentialFor(connector: Connector, use: 'git' | 'api'): Credential | undefined {
  const { credential, apiCredential } = connector;
  if (use === 'api' && apiCredential !== null) return apiCredential;
  const isKey = credential !== null && 'kind' in credential && credential.kind === 'ssh';
  const isSsh = isKey || !/^https?:/.test(connector.url);
  return credential === null || (use === 'api' && isSsh) ? undefined : credential;
}
