// What Google refuses, and what it is called here. Nothing of its messages is shown: they may quote what was sent.
import { Failure } from '../../src/kernel/failure.js';
import { LineError, type LineFault } from './gcp-line.js';
import { type Keeper, type ProviderCode, refusal } from './provider.js';

export interface Fault {
  code: ProviderCode;
  /** In our own words. */
  reason: string;
}

/** By the number of the gRPC status; where one stands for several faults, what comes with it decides. */
export type Faults = Readonly<Partial<Record<number, Fault | ((error: GrpcError) => Fault)>>>;

/** What Google's clients throw: the status, and what the service says about it. */
export interface GrpcError {
  code: number;
  details?: unknown;
  reason?: unknown;
  statusDetails?: unknown;
}

export const INVALID_ARGUMENT = 3;
export const NOT_FOUND = 5;
export const ALREADY_EXISTS = 6;
export const FAILED_PRECONDITION = 9;
export const UNAVAILABLE = 14;
export const UNAUTHENTICATED = 16;

const names = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

const unavailable: Fault = { code: 'SECRET_MANAGER_UNAVAILABLE', reason: 'it cannot answer now' };
const late: Fault = { code: 'SECRET_MANAGER_UNAVAILABLE', reason: 'no answer in time' };
const garbled: Fault = { code: 'SECRET_MANAGER_GARBLED', reason: 'the answer cannot be read' };
const unfit: Fault = { code: 'SECRET_MANAGER_MISCONFIGURED', reason: 'the request was not accepted' };

/** The reasons by which Google tells a project that is not set up from a right that is missing. */
const projectReasons = new Map<unknown, string>([
  ['SERVICE_DISABLED', 'the service is not enabled in the project'],
  ['CONSUMER_INVALID', 'there is no such project, or none for this credential'],
  ['BILLING_DISABLED', 'the project has no billing'],
]);

/** What every service of Google may answer. */
const common: Faults = {
  1: late,
  2: garbled,
  [INVALID_ARGUMENT]: unfit,
  4: late,
  7: ({ reason }) => {
    const known = projectReasons.get(reason);
    return known === undefined
      ? { code: 'SECRET_MANAGER_DENIED', reason: 'the credential has no right to this' }
      : { code: 'SECRET_MANAGER_MISCONFIGURED', reason: known };
  },
  8: ({ details }) =>
    String(details).startsWith('Received message larger than max')
      ? { code: 'SECRET_MANAGER_GARBLED', reason: 'the answer is too long' }
      : { code: 'SECRET_MANAGER_THROTTLED', reason: 'too many requests' },
  [FAILED_PRECONDITION]: unfit,
  10: unavailable,
  11: unfit,
  12: {
    code: 'SECRET_MANAGER_MISCONFIGURED',
    reason: 'what answers at the address does not have this service',
  },
  13: ({ details }) => (String(details).startsWith('Response message parsing error') ? garbled : unavailable),
  [UNAVAILABLE]: unavailable,
  15: garbled,
  [UNAUTHENTICATED]: {
    code: 'SECRET_MANAGER_SIGN_IN_REFUSED',
    reason: 'the access token was not accepted',
  },
};

/** The failure that this error is. */
export function toFailure(
  error: unknown,
  keeper: Keeper,
  { faults, lineFault }: { faults: Faults; lineFault?: LineFault | undefined },
): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof LineError) return toLineFailure(error.fault, keeper, error);
  if (!isGrpcError(error)) return refusal('SECRET_MANAGER_GARBLED', keeper, garbled.reason);
  if (error.code === UNAVAILABLE && lineFault !== undefined) return toLineFailure(lineFault, keeper);
  const known = faults[error.code] ?? common[error.code] ?? garbled;
  const { code, reason } = typeof known === 'function' ? known(error) : known;
  const retryAfterSeconds = code === 'SECRET_MANAGER_THROTTLED' ? retryAfterOf(error) : undefined;
  return refusal(code, keeper, `${reason} (${names[error.code] ?? 'unknown'})`, { retryAfterSeconds });
}

function toLineFailure({ isUntrusted, reason }: LineFault, keeper: Keeper, cause?: unknown): Failure {
  const code = isUntrusted ? 'SECRET_MANAGER_MISCONFIGURED' : 'SECRET_MANAGER_UNAVAILABLE';
  return refusal(code, keeper, reason, { cause });
}

export const isGrpcError = (error: unknown, code?: number): error is GrpcError =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  typeof error.code === 'number' &&
  (code === undefined || error.code === code);

/** What a failed precondition is about: the types of its violations and its text, to be searched and never shown. */
export function preconditionOf({ details, statusDetails }: GrpcError): string {
  const violations = detailsOf(statusDetails).flatMap(({ violations: found }) =>
    Array.isArray(found) ? (found as { type?: unknown }[]).map(({ type }) => String(type)) : [],
  );
  return [...violations, String(details)].join(' ');
}

function retryAfterOf({ statusDetails }: GrpcError): number | undefined {
  for (const { retryDelay } of detailsOf(statusDetails)) {
    const seconds = Number((retryDelay as { seconds?: unknown } | undefined)?.seconds);
    if (Number.isInteger(seconds) && seconds > 0 && seconds < 100_000) return seconds;
  }
  return undefined;
}

const detailsOf = (statusDetails: unknown): Record<string, unknown>[] =>
  Array.isArray(statusDetails)
    ? statusDetails.filter((detail) => typeof detail === 'object' && detail !== null)
    : [];
