// Which addresses of a host may be dialled. The system's programs are told them, so that none of them resolves a name again.
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { lookupAllowed, requireAllowed } from '../../src/git/address-policy.js';
import { Failure } from '../../src/kernel/failure.js';

/**
 * Addresses of the name, all of them allowed; a literal address is its own. `host` is what failures call it.
 * @throws Failure GIT_ADDRESS_DENIED, GIT_UNREACHABLE
 */
export async function resolveAllowed(
  host: string,
  name: string,
  allowPrivate: boolean,
): Promise<LookupAddress[]> {
  const family = isIP(name);
  if (family !== 0) {
    requireAllowed(host, name, allowPrivate);
    return [{ address: name, family }];
  }
  return new Promise<LookupAddress[]>((resolve, reject) => {
    lookupAllowed(allowPrivate)(name, { all: true }, (error, found) => {
      if (error === null) return resolve(found as LookupAddress[]);
      const reason = 'the name does not resolve';
      const known = error instanceof Failure;
      reject(known ? error : new Failure('GIT_UNREACHABLE', { host, reason }, { cause: error }));
    });
  });
}
