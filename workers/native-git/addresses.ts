// Which addresses of a host may be dialled. The system's programs are told them, so that none of them resolves a name again.
import type { LookupAddress } from 'node:dns';
import net from 'node:net';
import type { Network } from '../../src/git/network.js';
import { resolveChecked } from '../../src/git/network-dial.js';
import { Failure } from '../../src/kernel/failure.js';

/** So many of them are tried. */
const TRIED_MAX = 4;
/** Longest wait for one of several addresses. */
const LISTENING_MS_MAX = 3_000;

/**
 * Addresses of the name, all of them allowed; a literal address is its own. `host` is what failures call it.
 * @throws Failure GIT_ADDRESS_DENIED, GIT_UNREACHABLE
 */
export async function resolveNamed(
  host: string,
  name: string,
  { options }: Network,
): Promise<LookupAddress[]> {
  return named(host, resolveChecked(name, options.addresses, options.resolve));
}

/** What looking a name up fails with, as the failure of this host. */
export async function named<T>(host: string, looking: Promise<T>): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('GIT_UNREACHABLE', { host, reason: 'the name does not resolve' }, { cause: error });
  }
}

/** The first of the addresses that takes a connection; the first of all when none does. For programs that try but one. */
export async function findListening(addresses: LookupAddress[], port: number): Promise<string> {
  const [first] = addresses;
  if (addresses.length > 1)
    for (const { address } of addresses.slice(0, TRIED_MAX)) if (await listens(address, port)) return address;
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
