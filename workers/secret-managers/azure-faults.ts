// What Azure refuses, and what it is called here. Nothing of its messages is shown; of its own words, only those known here,
// numbers, and the id of the request.
import { Failure } from '../../src/kernel/failure.js';
import { type Keeper, type ProviderCode, refusal } from './provider.js';

/** Known for what it is where it arose. */
export class AzureFault extends Error {
  override readonly name = 'AzureFault';

  constructor(
    readonly code: ProviderCode,
    /** In our own words. */
    readonly reason: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(reason);
  }
}

/** What Azure's client throws, none of which needs to be there. */
interface Thrown {
  message?: unknown;
  statusCode?: unknown;
  details?: { error?: { code?: unknown; innerError?: { code?: unknown } } };
  response?: { headers?: { get: (name: string) => string | undefined } };
}

type Told = [code: ProviderCode, reason: string];

const REQUEST_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const RETRY_AFTER_MAX_SECONDS = 86_400;

const garbled: Told = ['SECRET_MANAGER_GARBLED', 'the answer cannot be read'];
const denied = (reason: string): Told => ['SECRET_MANAGER_DENIED', reason];
/** By what Azure says within a 403. */
const forbidden: Readonly<Record<string, Told>> = {
  SecretDisabled: ['SECRET_VERSION_GONE', 'the version is disabled'],
  ForbiddenByPolicy: denied('its access policy gives the credential no right to this (ForbiddenByPolicy)'),
  ForbiddenByRbac: denied('the credential has no role that allows this (ForbiddenByRbac)'),
  ForbiddenByFirewall: denied('its firewall does not let the delegate in (ForbiddenByFirewall)'),
  ForbiddenByConnection: denied('it is not reached over this network (ForbiddenByConnection)'),
  ForbiddenByNsp: denied('its network perimeter does not let the delegate in (ForbiddenByNsp)'),
};

/** The failure that this error is, of reading or of writing. */
export function toFailure(error: unknown, keeper: Keeper, doing: 'read' | 'write'): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof AzureFault) {
    const { code, reason, retryAfterSeconds } = error;
    return refusal(code, keeper, reason, { retryAfterSeconds });
  }
  const thrown = error as Thrown;
  const [code, reason] = tell(thrown, doing);
  const told = [reason, ...requestOf(thrown)].join(', ');
  const asked =
    code === 'SECRET_MANAGER_THROTTLED' ? thrown.response?.headers?.get('retry-after') : undefined;
  return refusal(code, keeper, told, { retryAfterSeconds: readRetryAfter(asked) });
}

export const isStatus = (error: unknown, status: number): boolean =>
  (error as Thrown | undefined)?.statusCode === status;

export function readRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,10}$/.test(header)) return undefined;
  return Math.min(Number(header), RETRY_AFTER_MAX_SECONDS);
}

function tell(thrown: Thrown, doing: 'read' | 'write'): Told {
  const { statusCode: status, message } = thrown;
  if (typeof status === 'number') return tellStatus(status, thrown, doing);
  // The client compares the host of the vault with what the vault wants a token for, and says what it found in words alone.
  if (/^The challenge /.test(String(message)))
    return [
      'SECRET_MANAGER_MISCONFIGURED',
      'it asks for a token of a domain that its address does not belong to',
    ];
  return garbled;
}

function tellStatus(status: number, { details }: Thrown, doing: 'read' | 'write'): Told {
  const outer = details?.error?.code;
  const inner = String(details?.error?.innerError?.code);
  if (status === 403 && Object.hasOwn(forbidden, inner)) return forbidden[inner] ?? garbled;
  if (status === 404 && outer !== 'SecretNotFound')
    return ['SECRET_MANAGER_MISCONFIGURED', 'what answers at the address is no key vault'];
  if (status === 409) return conflicts[doing];
  const [code, reason] = byStatus[status] ?? byRange(status);
  return [code, `${reason} (HTTP ${status})`];
}

const conflicts: Record<'read' | 'write', Told> = {
  read: ['SECRET_VERSION_GONE', 'the secret is deleted'],
  write: ['SECRET_STORE_CONFLICT', 'a deleted secret of this name waits to be recovered or purged'],
};

const byStatus: Record<number, Told> = {
  400: ['SECRET_MANAGER_MISCONFIGURED', 'the request was not accepted'],
  401: ['SECRET_MANAGER_SIGN_IN_REFUSED', 'the token was not accepted'],
  403: ['SECRET_MANAGER_DENIED', 'the credential has no right to this'],
  404: ['SECRET_NOT_IN_STORE', 'it has no such secret, or not in this version'],
  408: ['SECRET_MANAGER_UNAVAILABLE', 'it cannot answer now'],
  429: ['SECRET_MANAGER_THROTTLED', 'too many requests'],
};

function byRange(status: number): Told {
  if (status >= 500) return ['SECRET_MANAGER_UNAVAILABLE', 'it cannot answer now'];
  if (status >= 300 && status < 400)
    return ['SECRET_MANAGER_MISCONFIGURED', 'it points to another address, which is not followed'];
  return garbled;
}

function requestOf({ response }: Thrown): string[] {
  const id = response?.headers?.get('x-ms-request-id');
  return id !== undefined && REQUEST_ID.test(id) ? [`request ${id}`] : [];
}
