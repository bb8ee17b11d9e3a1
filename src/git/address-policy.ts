// Which addresses may be dialled. The check sits where the connection is made, so neither DNS nor an odd spelling of an
// address leads around it. Link-local, metadata, multicast and reserved addresses are never dialled, whatever is allowed.
import dns from 'node:dns';
import net, { type LookupFunction } from 'node:net';
import { Failure } from '../kernel/failure.js';

/** `private`: only where private addresses are allowed. `forbidden`: never. */
export type AddressClass = 'public' | 'private' | 'forbidden';

/** Which addresses this side dials. */
export interface AddressPolicy {
  /** Whether all private addresses may be dialled. */
  allowPrivate: boolean;
  /** Where they may not: the ranges in which they may. */
  allowed?: AddressRanges | undefined;
  /** Ranges that are never dialled, public or not, whatever else is said. */
  denied?: AddressRanges | undefined;
}

/** Ranges of addresses in the notation 10.0.0.0/8; an address alone is a range of one. */
export class AddressRanges {
  /** Where each range begins. */
  readonly bases: string[];
  readonly #list: net.BlockList;

  private constructor(ranges: string[]) {
    this.bases = ranges.map((range) => range.replace(/\/.*$/, ''));
    this.#list = blockListOf(ranges);
  }

  /** `null` where the text is no list of ranges with commas between them. */
  static parse(text: string): AddressRanges | null {
    const ranges = text.split(',').map((range) => range.trim());
    return ranges.every(isRange) ? new AddressRanges(ranges) : null;
  }

  /** IPv4 inside IPv6 is in a range when either form is. */
  has(address: string): boolean {
    const plain = plainAddress(address);
    if (net.isIPv4(plain)) return this.#list.check(plain, 'ipv4');
    if (!net.isIPv6(plain)) return false;
    const embedded = embeddedIPv4(plain);
    return this.#list.check(plain, 'ipv6') || (embedded !== null && this.#list.check(embedded, 'ipv4'));
  }
}

const privateRanges = blockListOf([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
]);

const forbiddenRanges = blockListOf([
  '0.0.0.0/8',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
]);

const globalUnicast = blockListOf(['2000::/3']);

/** Classifies a literal address. IPv4 inside IPv6 (mapped, NAT64) counts as the IPv4 address; anything unknown is forbidden. */
export function classifyAddress(address: string): AddressClass {
  const plain = plainAddress(address);
  if (net.isIPv4(plain)) return classify(plain, 'ipv4');
  if (!net.isIPv6(plain)) return 'forbidden';
  const embedded = embeddedIPv4(plain);
  if (embedded !== null) return classify(embedded, 'ipv4');
  const found = classify(plain, 'ipv6');
  return found === 'public' && !globalUnicast.check(plain, 'ipv6') ? 'forbidden' : found;
}

/** Whether this side dials the address. Nothing opens what is forbidden. */
export function isAllowed(address: string, policy: AddressPolicy): boolean {
  const found = classifyAddress(address);
  if (found === 'forbidden' || policy.denied?.has(address) === true) return false;
  return found === 'public' || policy.allowPrivate || policy.allowed?.has(address) === true;
}

/** @throws Failure GIT_ADDRESS_DENIED when the address may not be dialled for `host`. */
export function requireAllowed(host: string, address: string, policy: AddressPolicy): void {
  if (!isAllowed(address, policy)) throw new Failure('GIT_ADDRESS_DENIED', { host, address });
}

/** A `lookup` for sockets that fails with GIT_ADDRESS_DENIED when any address of the name is denied. */
export function lookupAllowed(
  policy: AddressPolicy,
  resolve: typeof dns.lookup = dns.lookup,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const failure = error ?? firstDenial(hostname, addresses, policy);
      const first = addresses?.[0];
      if (failure !== null || first === undefined)
        callback(failure ?? new Error(`${hostname} has no address`), '', 0);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function firstDenial(host: string, addresses: dns.LookupAddress[], policy: AddressPolicy): Failure | null {
  const denied = addresses.find(({ address }) => !isAllowed(address, policy));
  if (denied === undefined) return null;
  return new Failure('GIT_ADDRESS_DENIED', { host, address: denied.address }) as Failure;
}

/** '[fe80::1%eth0]' → 'fe80::1' */
function plainAddress(address: string): string {
  return address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
}

/** IPv4 inside IPv6 is not written as a range: which of the two it means would be a guess. */
function isRange(text: string): boolean {
  const [, address = '', bits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (net.isIPv4(address)) return Number(bits ?? 32) <= 32;
  return net.isIPv6(address) && embeddedIPv4(address) === null && Number(bits ?? 128) <= 128;
}

function classify(address: string, family: 'ipv4' | 'ipv6'): AddressClass {
  if (forbiddenRanges.check(address, family)) return 'forbidden';
  return privateRanges.check(address, family) ? 'private' : 'public';
}

/** ::ffff:a.b.c.d and 64:ff9b::a.b.c.d → a.b.c.d; `null` for any other address. */
function embeddedIPv4(address: string): string | null {
  const groups = expandIPv6(address);
  const head = groups.slice(0, 6).join(':');
  if (head !== '0:0:0:0:0:65535' && head !== '100:65435:0:0:0:0') return null;
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function expandIPv6(address: string): number[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const front = parse(head);
  if (tail === undefined) return front;
  const back = parse(tail);
  return [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function blockListOf(ranges: string[]): net.BlockList {
  const list = new net.BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = net.isIPv4(address) ? 'ipv4' : 'ipv6';
    list.addSubnet(address, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family);
  }
  return list;
}
