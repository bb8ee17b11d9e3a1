// Which addresses may be dialled. The check sits where the connection is made, so neither DNS nor an odd spelling of an
// address leads around it. Link-local, metadata, multicast and reserved addresses are never dialled, whatever is allowed.
import dns from 'node:dns';
import net, { type LookupFunction } from 'node:net';
import { Failure } from '../kernel/failure.js';

/** `private`: only where private addresses are allowed. `forbidden`: never. */
export type AddressClass = 'public' | 'private' | 'forbidden';

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
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  if (net.isIPv4(plain)) return classify(plain, 'ipv4');
  if (!net.isIPv6(plain)) return 'forbidden';
  const embedded = embeddedIPv4(plain);
  if (embedded !== null) return classify(embedded, 'ipv4');
  const found = classify(plain, 'ipv6');
  return found === 'public' && !globalUnicast.check(plain, 'ipv6') ? 'forbidden' : found;
}

/** @throws Failure GIT_ADDRESS_DENIED when the address may not be dialled for `host`. */
export function requireAllowed(host: string, address: string, allowPrivate: boolean): void {
  const found = classifyAddress(address);
  if (found === 'public' || (found === 'private' && allowPrivate)) return;
  throw new Failure('GIT_ADDRESS_DENIED', { host, address });
}

/** A `lookup` for sockets that fails with GIT_ADDRESS_DENIED when any address of the name is denied. */
export function lookupAllowed(
  allowPrivate: boolean,
  resolve: typeof dns.lookup = dns.lookup,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const failure = error ?? firstDenial(hostname, addresses, allowPrivate);
      const first = addresses?.[0];
      if (failure !== null || first === undefined)
        callback(failure ?? new Error(`${hostname} has no address`), '', 0);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function firstDenial(host: string, addresses: dns.LookupAddress[], allowPrivate: boolean): Failure | null {
  try {
    for (const { address } of addresses) requireAllowed(host, address, allowPrivate);
    return null;
  } catch (error) {
    return Failure.from(error);
  }
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
    list.addSubnet(address, Number(bits), net.isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
}
