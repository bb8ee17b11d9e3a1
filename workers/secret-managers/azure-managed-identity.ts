// The identity that Azure gives to a machine, a pod or an app. Azure's own client for it is not taken: it also takes the login of
// a developer's Cloud Shell, lets the environment name any address, and keeps its tokens for the whole process.
import { z } from 'zod';
import { AzureFault, readRetryAfter } from './azure-faults.js';
import type { Answer, AzureLine } from './azure-line.js';
import type { ProviderSetup } from './provider.js';

type Environment = NonNullable<ProviderSetup<unknown>['environment']>;

export interface Token {
  text: string;
  expiresAt: number;
}

export interface MachineQuestion {
  url: URL;
  headers: Record<string, string>;
}

const MACHINE = 'http://169.254.169.254/metadata/identity/oauth2/token';

const Lent = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,32768}$/),
  /** Seconds since 1970, as text or not. */
  expires_on: z.coerce.number().int().positive(),
});

/** What an app has its identity from: itself, or the link. */
const NEAR = /^(?:localhost|127(?:\.\d{1,3}){3}|169\.254(?:\.\d{1,3}){2}|\[::1\])$/;

/** @throws AzureFault */
export async function askMachine(line: AzureLine, question: MachineQuestion): Promise<Token> {
  const answer = await line.ask({ ...question, method: 'GET', isNear: true }).catch((error: AzureFault) => {
    throw new AzureFault(
      error.code,
      `the environment names no workload identity, and the managed identity: ${error.reason}`,
    );
  });
  if (answer.status !== 200) throw refuse(answer);
  try {
    const { access_token, expires_on } = Lent.parse(JSON.parse(answer.text));
    return { text: access_token, expiresAt: expires_on * 1_000 };
  } catch {
    throw new AzureFault('SECRET_MANAGER_GARBLED', 'the managed identity: the answer cannot be read');
  }
}

/** Of an app (App Service, Container Apps) where the environment says so; of the machine otherwise. @throws AzureFault */
export function machineQuestion(
  { IDENTITY_ENDPOINT, IDENTITY_HEADER }: Environment,
  resource: string,
  client: string | undefined,
): MachineQuestion {
  const isApp = IDENTITY_ENDPOINT !== undefined && IDENTITY_HEADER !== undefined;
  const address = isApp ? IDENTITY_ENDPOINT : MACHINE;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'http:' || !NEAR.test(url.hostname))
    throw new AzureFault(
      'SECRET_MANAGER_MISCONFIGURED',
      'the managed identity: the environment names an address that may not be asked',
    );
  url.searchParams.set('api-version', isApp ? '2019-08-01' : '2018-02-01');
  url.searchParams.set('resource', resource);
  if (client !== undefined) url.searchParams.set('client_id', client);
  return { url, headers: isApp ? { 'x-identity-header': IDENTITY_HEADER } : { metadata: 'true' } };
}

function refuse({ status, headers }: Answer): AzureFault {
  const reason = `the managed identity: it answered ${status}`;
  if (status === 429)
    return new AzureFault('SECRET_MANAGER_THROTTLED', reason, readRetryAfter(headers['retry-after']));
  // While it starts, and while it is being updated.
  if (status === 404 || status === 410 || status >= 500)
    return new AzureFault('SECRET_MANAGER_UNAVAILABLE', reason);
  return new AzureFault('SECRET_MANAGER_SIGN_IN_REFUSED', reason);
}
