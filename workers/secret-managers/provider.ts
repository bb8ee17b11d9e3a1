// What every secret manager outside has in common: who is asked, under which credential, and how its refusals are told.
import type { ErrorCode } from '../../src/kernel/errors.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';

/** The codes that say what is wrong with a secret manager outside. */
export type ProviderCode = Extract<
  ErrorCode,
  | `SECRET_MANAGER_${string}`
  | `SECRET_KEY_${string}`
  | 'SECRET_NOT_IN_STORE'
  | 'SECRET_VERSION_GONE'
  | 'SECRET_STORE_CONFLICT'
>;

/** Which secret manager it is, as in the API. */
export interface Keeper {
  manager: string;
  scope: string;
}

export interface ProviderSetup<Settings> {
  keeper: Keeper;
  settings: Settings;
  /** The value of a builtin secret; null for the delegate’s own identity. Lent: whoever made it wipes it. */
  credential: Secret | null;
  /** The process’s, where an ambient identity is found by what it names; nothing is named where it is missing. */
  environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** For one call, all its attempts included. */
  deadlineMs: number;
  /** The HTTP proxy on the way, and the hosts that are reached without it. */
  proxy: { url: string; bypass: readonly string[] } | undefined;
}

/** `reason` holds nothing that the other side could have chosen freely: codes and our own words alone. */
export function refusal(
  code: ProviderCode,
  keeper: Keeper,
  reason: string,
  { retryAfterSeconds, cause }: { retryAfterSeconds?: number | undefined; cause?: unknown } = {},
): Failure {
  const asked = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return new Failure(code, { ...keeper, reason, ...asked }, { cause }) as Failure;
}
