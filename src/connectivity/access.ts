// What is known of the credentials of a connector, whichever road they take.
import { Injectable } from '@nestjs/common';
import type { Connector } from '../connectors/connectors.repository.js';
import type { Failure } from '../kernel/failure.js';
import { credentialFor } from './credential-secrets.js';
import { Grants } from './grants.js';

@Injectable()
export class Access {
  constructor(private readonly grants: Grants) {}

  /** Which of its refresh tokens is known to be void. @throws NOT_FOUND, SECRET_DELETED for a secret that it names */
  async refusalOf(connector: Connector): Promise<{ failure: Failure; at: Date } | undefined> {
    for (const use of ['git', 'api'] as const) {
      const credential = credentialFor(connector, use);
      if (credential === undefined || !('kind' in credential) || credential.kind !== 'oauth2') continue;
      const refusal = await this.grants.refusalOf(connector, credential);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }
}
