// What AWS refuses, and what it is called here. Nothing of its messages is shown, since one may quote what was signed or
// sent; its error's name is shown where the tables know it.
import { Failure } from '../../src/kernel/failure.js';
import { type Keeper, type ProviderCode, refusal } from './provider.js';

export interface Fault {
  code: ProviderCode;
  /** In our own words. */
  reason: string;
}

/** By the name of the error; where one name stands for several faults, its message decides. */
export type Faults = Readonly<Record<string, Fault | ((message: string) => Fault)>>;

/** The credential could not be made or exchanged: nothing was asked yet. */
export class SignInFault extends Error {
  override readonly name = 'SignInFault';

  constructor(
    readonly code: ProviderCode,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(reason, options);
  }
}

/** Nobody waits for the answer any more. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

const throttled: Fault = { code: 'SECRET_MANAGER_THROTTLED', reason: 'too many requests' };
const denied: Fault = { code: 'SECRET_MANAGER_DENIED', reason: 'the credential has no right to this' };
const expired: Fault = { code: 'SECRET_MANAGER_SIGN_IN_REFUSED', reason: 'the credential has expired' };
const unknownKey: Fault = {
  code: 'SECRET_MANAGER_SIGN_IN_REFUSED',
  reason: 'the access key or the session token is not known',
};
const unsigned: Fault = {
  code: 'SECRET_MANAGER_SIGN_IN_REFUSED',
  reason: 'the signature was not accepted: the secret access key, the clock or the region is wrong',
};
const unavailable: Fault = { code: 'SECRET_MANAGER_UNAVAILABLE', reason: 'a fault of the server' };
const unfit: Fault = { code: 'SECRET_MANAGER_MISCONFIGURED', reason: 'the request was not accepted' };

/** What every service of AWS may answer. */
const common: Faults = {
  ThrottlingException: throttled,
  Throttling: throttled,
  ThrottledException: throttled,
  RequestThrottled: throttled,
  RequestThrottledException: throttled,
  RequestLimitExceeded: throttled,
  TooManyRequestsException: throttled,
  SlowDown: throttled,
  LimitExceededException: throttled,
  AccessDeniedException: denied,
  AccessDenied: denied,
  UnauthorizedOperation: denied,
  NotAuthorized: denied,
  OptInRequired: denied,
  ExpiredTokenException: expired,
  ExpiredToken: expired,
  RequestExpired: expired,
  UnrecognizedClientException: unknownKey,
  InvalidClientTokenId: unknownKey,
  InvalidAccessKeyId: unknownKey,
  InvalidToken: unknownKey,
  MissingAuthenticationToken: unknownKey,
  MissingAuthenticationTokenException: unknownKey,
  InvalidSignatureException: unsigned,
  SignatureDoesNotMatch: unsigned,
  IncompleteSignature: unsigned,
  IncompleteSignatureException: unsigned,
  RequestTimeTooSkewed: unsigned,
  InternalFailure: unavailable,
  InternalServerError: unavailable,
  InternalServiceError: unavailable,
  InternalError: unavailable,
  ServiceUnavailable: unavailable,
  ServiceUnavailableException: unavailable,
  RequestTimeout: unavailable,
  RequestTimeoutException: unavailable,
  ValidationException: unfit,
  ValidationError: unfit,
  InvalidAction: unfit,
  UnknownOperationException: unfit,
  SerializationException: unfit,
};

/** After these a fresh credential may do, if there can be one. */
const stale = new Set<Fault>([expired, unknownKey]);

const brokenLines = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'PROXY_REFUSED',
]);
const UNTRUSTED = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|ERR_TLS_|ERR_SSL_|EPROTO$)/;
const REQUEST_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What the SDK puts on its errors, none of which needs to be there. */
interface Thrown {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  $response?: { statusCode?: number; headers?: Record<string, string> };
}

/** The failure that this error is. */
export function toFailure(error: unknown, keeper: Keeper, own: Faults): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof Stopped) return refusal('SECRET_MANAGER_UNAVAILABLE', keeper, error.message);
  if (error instanceof SignInFault) return refusal(error.code, keeper, error.reason);
  const { code, reason } = faultOf(error, own);
  const retryAfterSeconds = code === 'SECRET_MANAGER_THROTTLED' ? retryAfterOf(error as Thrown) : undefined;
  return refusal(code, keeper, reason, { retryAfterSeconds });
}

/** As it is told when the credential was asked for. */
export function toSignInFault(error: unknown, what: string): SignInFault {
  if (error instanceof SignInFault) return error;
  if (['ENOENT', 'EACCES', 'EISDIR'].includes(String((error as Thrown).code)))
    return new SignInFault('SECRET_MANAGER_SIGN_IN_REFUSED', `${what}: its token file cannot be read`);
  const { code, reason } = faultOf(error, signIn);
  // What is not allowed there, or not accepted, is the credential.
  const isRefused = code === 'SECRET_MANAGER_DENIED' || statusOf(error as Thrown) === 400;
  const isOther = code === 'SECRET_MANAGER_THROTTLED' || code === 'SECRET_MANAGER_UNAVAILABLE';
  return new SignInFault(
    isRefused && !isOther ? 'SECRET_MANAGER_SIGN_IN_REFUSED' : code,
    `${what}: ${reason}`,
  );
}

const signIn: Faults = {
  IDPCommunicationError: {
    code: 'SECRET_MANAGER_UNAVAILABLE',
    reason: 'the identity provider did not answer',
  },
  IDPCommunicationErrorException: {
    code: 'SECRET_MANAGER_UNAVAILABLE',
    reason: 'the identity provider did not answer',
  },
  IDPRejectedClaim: { code: 'SECRET_MANAGER_SIGN_IN_REFUSED', reason: 'the identity token was not accepted' },
  InvalidIdentityToken: {
    code: 'SECRET_MANAGER_SIGN_IN_REFUSED',
    reason: 'the identity token was not accepted',
  },
  RegionDisabledException: {
    code: 'SECRET_MANAGER_SIGN_IN_REFUSED',
    reason: 'signing in is not enabled in this region',
  },
};

/** What may help before the call is given up: the same again, or with a fresh credential. */
export function remedyFor(error: unknown, keeper: Keeper): 'again' | 'renew' | 'none' {
  const { name } = error as Thrown;
  const fault = typeof name === 'string' && Object.hasOwn(common, name) ? common[name] : undefined;
  if (fault !== undefined && typeof fault !== 'function' && stale.has(fault)) return 'renew';
  // The SDK has set its clock by the answer.
  if (fault === unsigned) return 'again';
  const { code, data } = toFailure(error, keeper, {});
  const isAskedToWait = 'retryAfterSeconds' in data;
  const isPassing = code === 'SECRET_MANAGER_UNAVAILABLE' || code === 'SECRET_MANAGER_THROTTLED';
  return isPassing && !isAskedToWait ? 'again' : 'none';
}

function faultOf(error: unknown, own: Faults): Fault {
  const thrown = error as Thrown;
  const name = String(thrown.name);
  const known = [own, common].find((faults) => Object.hasOwn(faults, name))?.[name];
  if (known !== undefined) {
    const { code, reason } = typeof known === 'function' ? known(String(thrown.message)) : known;
    return { code, reason: `${reason} (${[name, ...requestOf(thrown)].join(', ')})` };
  }
  const status = statusOf(thrown);
  return status === undefined ? lineFault(thrown) : statusFault(status, thrown);
}

function lineFault({ name, code }: Thrown): Fault {
  if (name === 'TimeoutError' || name === 'AbortError')
    return { code: 'SECRET_MANAGER_UNAVAILABLE', reason: 'no answer in time' };
  if (typeof code !== 'string') return garbled;
  if (UNTRUSTED.test(code))
    return {
      code: 'SECRET_MANAGER_MISCONFIGURED',
      reason: `the connection is not to be trusted (${code.slice(0, 64)})`,
    };
  if (brokenLines.has(code)) return { code: 'SECRET_MANAGER_UNAVAILABLE', reason: `no connection (${code})` };
  return garbled;
}

function statusFault(status: number, thrown: Thrown): Fault {
  const reason = [`it answered ${status}`, ...requestOf(thrown)].join(', ');
  if (status === 429) return { code: 'SECRET_MANAGER_THROTTLED', reason };
  if (status === 401) return { code: 'SECRET_MANAGER_SIGN_IN_REFUSED', reason };
  if (status === 403) return { code: 'SECRET_MANAGER_DENIED', reason };
  if (status >= 500) return { code: 'SECRET_MANAGER_UNAVAILABLE', reason };
  return { code: 'SECRET_MANAGER_GARBLED', reason };
}

const garbled: Fault = { code: 'SECRET_MANAGER_GARBLED', reason: 'the answer cannot be read' };

const statusOf = ({ $metadata, $response }: Thrown): number | undefined =>
  $metadata?.httpStatusCode ?? $response?.statusCode;

function requestOf({ $metadata }: Thrown): string[] {
  const id = $metadata?.requestId;
  return id !== undefined && REQUEST_ID.test(id) ? [`request ${id}`] : [];
}

function retryAfterOf({ $response }: Thrown): number | undefined {
  const text = $response?.headers?.['retry-after'];
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}
