import type dns from 'node:dns';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AddressClass,
  AddressRanges,
  classifyAddress,
  isAllowed,
  lookupAllowed,
  requireAllowed,
} from '../../../src/git/address-policy.js';
import { Failure } from '../../../src/kernel/failure.js';
import { failureOf } from '../support/refusals.js';

const table: Record<AddressClass, string[]> = {
  public: [
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '168.63.129.15',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450:4001::200e',
    '2001:4860:4860::8888',
    '3ffe::1',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::8.8.8.8',
    '[2606:4700::1111]',
  ],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    '::1',
    '0:0:0:0:0:0:0:1',
    '0000:0000:0000:0000:0000:0000:0000:0001',
    'fc00::1',
    'fdff:ffff::1',
    'FD00::1',
    'fd00::1%eth0',
    '[::1]',
    '::ffff:127.0.0.1',
    '::FFFF:10.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:192.168.1.1',
    '0:0:0:0:0:ffff:c0a8:101',
    '[::ffff:10.1.2.3]',
    '64:ff9b::10.0.0.1',
    '64:ff9b::7f00:1',
  ],
  forbidden: [
    '0.0.0.0',
    '0.1.2.3',
    '100.100.100.200',
    '168.63.129.16',
    '169.254.0.0',
    '169.254.169.254',
    '169.254.170.2',
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::ffff:0.0.0.0',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::1',
    '::127.0.0.1',
    '::7f00:1',
    '::8.8.8.8',
    '::ffff:0:8.8.8.8',
    '100::1',
    '2001::1',
    '2001:1ff::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '2002:808:808::1',
    '3fff::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fe80::1',
    'fe80::1%eth0',
    '[fe80::1%25eth0]',
    'febf::1',
    'fec0::1',
    'ff02::1',
    '4000::1',
    'e000::1',
  ],
};
const spelt = [
  '',
  ' 8.8.8.8',
  '8.8.8.8 ',
  '8.8.8',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '010.8.8.8',
  '8.8.8.8.8',
  '256.1.1.1',
  '8.8.8.8:443',
  '1e2.1.1.1',
  '８.8.8.8',
  'localhost',
  'example.com',
  ':::1',
  '2606:4700',
  '2606:4700::1111::1',
  '2606:4700::1111/64',
  'g::1',
  '::ffff:8.8.8',
  'unix:/run/x',
];

describe('an address', () => {
  it.each(Object.entries(table).flatMap(([found, list]) => list.map((address) => [address, found] as const)))(
    '%s is %s',
    (address, found) => {
      expect(classifyAddress(address)).toBe(found);
    },
  );

  it.each(spelt.map((text) => [text]))('that is spelt %j is none, and forbidden', (text) => {
    expect(classifyAddress(text)).toBe('forbidden');
  });

  it('of any text has a class, and only what is an address may be dialled', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.[\]%x]*$/)), (text) => {
        const isAddress = /^\[?(\d+(\.\d+){3}|[0-9a-f:]+(\d+(\.\d+){3})?(%.*)?)\]?$/i.test(text);
        const classes = isAddress ? ['public', 'private', 'forbidden'] : ['forbidden'];
        expect(classes).toContain(classifyAddress(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('of IPv4 has the same class inside IPv6, however it is written', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        const found = classifyAddress(address);
        for (const text of [
          `::ffff:${address}`,
          `::FFFF:${hex}`,
          `0:0:0:0:0:ffff:${hex}`,
          `0000:0000:0000:0000:0000:ffff:${address}`,
          `[::ffff:${hex}]`,
          `64:ff9b::${address}`,
          `0064:ff9b:0:0:0:0:${hex}`,
        ])
          expect([text, classifyAddress(text)]).toEqual([text, found]);
      }),
      { numRuns: 300 },
    );
  });

  it('of IPv6 is public within 2000::/3 at most', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        if (classifyAddress(address) !== 'public') return;
        expect(new URL(`http://[${address}]/`).hostname).toMatch(/^\[([23]|::ffff:|64:ff9b::)/);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('requireAllowed', () => {
  it.each([
    ['8.8.8.8', false],
    ['8.8.8.8', true],
    ['10.0.0.1', true],
    ['::1', true],
  ])('lets %s pass where private addresses are allowed: %s', (address, allowPrivate) => {
    expect(() => requireAllowed('git.example.com', address, { allowPrivate })).not.toThrow();
  });

  it.each([
    ['10.0.0.1', false],
    ['::1', false],
    ['169.254.169.254', false],
    ['169.254.169.254', true],
    ['fe80::1', true],
    ['nonsense', true],
  ])('refuses %s where private addresses are allowed: %s', (address, allowPrivate) => {
    const failure = failureOf(() => requireAllowed('git.example.com', address, { allowPrivate }));
    expect(failure).toMatchObject({ code: 'GIT_ADDRESS_DENIED', data: { host: 'git.example.com', address } });
  });
});

const ranges = (text: string): AddressRanges => AddressRanges.parse(text) as AddressRanges;

describe('ranges', () => {
  it.each(['10.0.0.0/8', '10.0.0.1', '10.0.0.0/8, fd00::/8', '::1', '0.0.0.0/0', 'fd00::/128', '1.2.3.4/32'])(
    'are written %s',
    (text) => {
      expect(AddressRanges.parse(text)).not.toBeNull();
    },
  );

  it.each([
    '',
    ',',
    '10.0.0.0/8,',
    '10.0.0.0/33',
    '10.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0-10.0.0.9',
    'fd00::/129',
    '::ffff:10.0.0.0/104',
    '64:ff9b::10.0.0.0/104',
    'localhost',
    '[::1]',
    '10.0.0.0/8 fd00::/8',
    '10.0.0.0/08x',
  ])('are not written %j', (text) => {
    expect(AddressRanges.parse(text)).toBeNull();
  });

  it.each<[string, boolean, string | undefined, string | undefined, boolean]>([
    ['10.1.2.3', false, '10.1.0.0/16', undefined, true],
    ['10.2.2.3', false, '10.1.0.0/16', undefined, false],
    ['::ffff:10.1.2.3', false, '10.1.0.0/16', undefined, true],
    ['64:ff9b::10.1.2.3', false, '10.1.0.0/16', undefined, true],
    ['fd12::1', false, '10.1.0.0/16,fd12::/16', undefined, true],
    ['fd13::1', false, '10.1.0.0/16,fd12::/16', undefined, false],
    ['8.8.8.8', false, '10.1.0.0/16', undefined, true],
    ['10.1.2.3', false, '10.1.0.0/16', '10.1.2.0/24', false],
    ['10.1.2.3', true, undefined, '10.1.2.0/24', false],
    ['10.1.3.3', true, undefined, '10.1.2.0/24', true],
    ['::ffff:10.1.2.3', true, undefined, '10.1.2.0/24', false],
    ['64:ff9b::10.1.2.3', true, undefined, '10.1.2.0/24', false],
    ['8.8.8.8', true, undefined, '8.8.0.0/16', false],
    ['2606:4700::1', true, undefined, '2606:4700::/32', false],
    ['169.254.169.254', true, '0.0.0.0/0,::/0', undefined, false],
    ['::ffff:169.254.169.254', true, '0.0.0.0/0,::/0', undefined, false],
    ['fe80::1', true, 'fe80::/10', undefined, false],
    ['fd00:ec2::254', true, 'fd00::/8', undefined, false],
  ])('decide about %s where private is %s, allowed %s and denied %s: %s', (...row) => {
    const [address, allowPrivate, allowed, denied, expected] = row;
    const policy = {
      allowPrivate,
      allowed: allowed === undefined ? undefined : ranges(allowed),
      denied: denied === undefined ? undefined : ranges(denied),
    };
    expect(isAllowed(address, policy)).toBe(expected);
  });

  it('that are denied are closed, whatever is allowed, and forbidden addresses are never open', () => {
    const all = ranges('0.0.0.0/0,::/0');
    const isOpen = fc.property(
      fc.ipV4(),
      fc.ipV4(),
      fc.nat(32),
      fc.boolean(),
      (address, base, bits, allowPrivate) => {
        const some = ranges(`${base}/${bits}`);
        const isDenied =
          some.has(address) && isAllowed(address, { allowPrivate, allowed: all, denied: some });
        const isForbidden = classifyAddress(address) === 'forbidden';
        return !isDenied && !(isForbidden && isAllowed(address, { allowPrivate, allowed: some }));
      },
    );
    expect(fc.check(isOpen, { numRuns: 500 }).counterexample).toBeNull();
  });
});

/** A name server that gives these addresses. */
const answers = (...addresses: string[]): typeof dns.lookup =>
  // Only the form of the call that lookupAllowed makes is needed.
  ((
    _: string,
    options: dns.LookupAllOptions,
    callback: (error: null, found: dns.LookupAddress[]) => void,
  ) => {
    expect(options.all).toBe(true);
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as typeof dns.lookup;

const fails = (error: NodeJS.ErrnoException): typeof dns.lookup =>
  ((_: string, __: object, callback: (error: Error) => void) =>
    callback(error)) as unknown as typeof dns.lookup;

interface Looked {
  error: Error | null;
  found: unknown[];
}

const look = (resolve: typeof dns.lookup, allowPrivate = false, all = false): Promise<Looked> =>
  new Promise((done) => {
    lookupAllowed({ allowPrivate }, resolve)('git.example.com', { all }, (error, ...found) =>
      done({ error, found }),
    );
  });

describe('a name', () => {
  it('that has a public address gets it', async () => {
    expect(await look(answers('8.8.8.8'))).toEqual({ error: null, found: ['8.8.8.8', 4] });
    expect(await look(answers('2606:4700::1111', '8.8.8.8'))).toEqual({
      error: null,
      found: ['2606:4700::1111', 6],
    });
  });

  it('gets all its addresses where the socket asks for all', async () => {
    const { error, found } = await look(answers('8.8.8.8', '2606:4700::1111'), false, true);
    expect(error).toBeNull();
    expect(found).toEqual([
      [
        { address: '8.8.8.8', family: 4 },
        { address: '2606:4700::1111', family: 6 },
      ],
    ]);
  });

  it.each<[string, string[], boolean]>([
    ['a private address', ['10.0.0.1'], false],
    ['a private one behind a public one', ['8.8.8.8', '10.0.0.1'], false],
    ['a private one before a public one', ['::1', '8.8.8.8'], false],
    ['a mapped private one', ['8.8.8.8', '::ffff:10.0.0.1'], false],
    ['a metadata address', ['169.254.169.254'], true],
    ['a metadata address behind others', ['8.8.8.8', '10.0.0.1', '169.254.169.254'], true],
    ['what is no address', ['8.8.8.8', 'nonsense'], true],
  ])('that has %s is refused as a whole', async (_, addresses, allowPrivate) => {
    for (const all of [false, true]) {
      const { error } = await look(answers(...addresses), allowPrivate, all);
      expect(error).toBeInstanceOf(Failure);
      expect(error).toMatchObject({ code: 'GIT_ADDRESS_DENIED', data: { host: 'git.example.com' } });
    }
  });

  it('that has private addresses is taken where they are allowed', async () => {
    expect(await look(answers('10.0.0.1', '::1'), true)).toEqual({ error: null, found: ['10.0.0.1', 4] });
  });

  it('that has none is an error', async () => {
    expect((await look(answers())).error?.message).toBe('git.example.com has no address');
  });

  it('that is not known is the name server’s error, as it is', async () => {
    const error = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    expect((await look(fails(error))).error).toBe(error);
  });
});
