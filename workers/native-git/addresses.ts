// Which addresses of a host may be dialled. The system's programs are told them, so that none of them resolves a name again.
import type { LookupAddress } from 'node:dns';
import net, { isIP } from 'node:net';
import { lookupAllowed, requireAllowed } from '../../src/git/address-policy.js';
import { Failure } from '../../src/kernel/failure.js';

/** Longest wait for one of several addresses. */
const LISTENING_MS_MAX = 3_000;

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

/** The first of the addresses that takes a connection; the first of all when none does. For programs that try but one. */
export async function findListening(addresses: LookupAddress[], port: number): Promise<string> {
  const [first] = addresses;
  if (addresses.length > 1)
    for (const { address } of addresses) if (await listens(address, port)) return address;
  return first?.address ?? '';
}

async function listens(host: string, port: number): Promise<boolean> {
  const socket = net.connect({ host, port, timeout: LISTENING_MS_MAX });
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false)).once('timeout', () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}
