// What tests of both kinds on Google Cloud share: settings, a credential, and each fault as the real one would have it.

import { Secret } from '../../../src/kernel/secret.js';
import type { ProviderSetup } from '../../../workers/secret-managers/provider.js';
import { type Fault, keeper } from '../../conformance/secret-manager.conformance.js';
import type { GoogleServer } from './google.js';
import { answerOf } from './google-kms.js';
import { Refusal } from './google-refusal.js';

export const KEY = 'projects/acme-prod/locations/europe-west3/keyRings/git/cryptoKeys/sallyport';

export const credentialOf = (account: Record<string, unknown>): Secret =>
  new Secret(Buffer.from(JSON.stringify(account)));

/** What a client of this server is made with: the key of a service account, and the given settings. */
export function setupFor<S extends object>(
  server: GoogleServer,
  settings: S,
  more: Partial<Omit<ProviderSetup<unknown>, 'settings'>> = {},
) {
  return {
    keeper,
    settings: { endpoint: server.url, tokenEndpoint: server.accounts.url, ...settings },
    credential: credentialOf(server.accounts.sharedKey),
    deadlineMs: 5_000,
    proxy: undefined,
    ...more,
  };
}

const reads = new Set(['decrypt', 'accessSecretVersion']);

/** Makes the server suffer until what it gives back is called. */
export function suffer(server: GoogleServer, fault: Fault): () => void {
  const heal = (): void => {
    server.interfere = () => undefined;
    server.accounts.fault = undefined;
    server.secrets.setState('ENABLED');
    server.keys.setState(KEY, 'ENABLED');
  };
  if (fault === 'key-disabled') server.keys.setState(KEY, 'DISABLED');
  if (fault === 'key-gone') server.keys.setState(KEY, 'DESTROY_SCHEDULED');
  if (fault === 'version-gone') server.secrets.setState('DESTROYED');
  if (fault === 'not-signed-in') server.accounts.fault = { status: 400, text: '{"error":"invalid_grant"}' };
  server.interfere = ({ method }) => (reads.has(method) ? answers[fault] : undefined);
  return heal;
}

const answers: Partial<Record<Fault, ReturnType<GoogleServer['interfere']>>> = {
  denied: new Refusal(7, 'Permission denied on resource (or it may not exist).', {
    type: 'ErrorInfo',
    reason: 'IAM_PERMISSION_DENIED',
    domain: 'iam.googleapis.com',
  }),
  throttled: new Refusal(8, 'Quota exceeded.', { type: 'RetryInfo', retryDelay: { seconds: 7 } }),
  down: 'hang-up',
  silent: 'silence',
  garbled: Buffer.from('<html>It works!</html>'),
  'other-plaintext': { answer: answerOf(Buffer.alloc(32, 'other')) },
  'not-there': new Refusal(5, 'Secret not found or has no versions.'),
};
