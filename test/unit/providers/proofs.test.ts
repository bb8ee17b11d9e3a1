// Who may say that something moved. Each codec is tried with every way in which a proof can be wrong.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecs } from '../../../src/providers/codecs.js';
import { Provider } from '../../../src/providers/provider.js';
import type { HookHeaders } from '../../../src/providers/webhook.js';
import { hmacHex, proofOf, secretsOf, signatures, verdictOn } from '../support/deliveries.js';

const NOW = new Date('2026-11-26T10:00:00.900Z');
const BODY = Buffer.from('{"ref":"refs/heads/main"}');

const verdict = (host: Provider, headers: HookHeaders, secrets: string[], raw = BODY) =>
  verdictOn(host, raw, headers, secretsOf(...secrets), NOW);

describe('what the hosts document', () => {
  it('GitHub: “It’s a Secret to Everybody”', () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const headers = { 'x-hub-signature-256': signature };
    const raw = Buffer.from('Hello, World!');
    expect(verdict('github', headers, ["It's a Secret to Everybody"], raw)).toBe('ok');
  });

  it.each(['bitbucket-cloud', 'bitbucket-dc'] as const)('%s: the pair of its documentation', (host) => {
    const signature = 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9';
    const raw = Buffer.from('Hello World!');
    expect(verdict(host, { 'x-hub-signature': signature }, ["It's a Secret to Everybody"], raw)).toBe('ok');
  });

  it('Standard Webhooks: the vector of its libraries', () => {
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const secrets = secretsOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const raw = Buffer.from('{"test": 2432232314}');
    expect(verdictOn('gitlab', raw, headers, secrets, new Date(1_614_265_330_000))).toBe('ok');
  });
});

describe.each(signatures)('%s signs by %s', (host, header, prefix) => {
  const right = hmacHex('secret', BODY);
  const of = (value: string, secrets = ['secret']) => verdict(host, { [header]: value }, secrets);

  it('is believed with the secret, be it the first or the second', () => {
    expect(of(prefix + right)).toBe('ok');
    expect(of(prefix + right, ['secret', 'other'])).toBe('ok');
    expect(of(prefix + right, ['other', 'secret'])).toBe('ok');
  });

  it.each([
    ['another secret', prefix + hmacHex('Secret', BODY)],
    ['another body', prefix + hmacHex('secret', Buffer.from('{}'))],
    ['upper case', prefix + right.toUpperCase()],
    ['upper case of the prefix', `SHA256=${right}`],
    ['another prefix', `sha1=${right}`],
    ['no prefix, or one too many', prefix === '' ? `sha256=${right}` : right],
    ['SHA-1', prefix + hmacHex('secret', BODY, 'sha1')],
    ['SHA-1 under its own name', `sha1=${hmacHex('secret', BODY, 'sha1')}`],
    ['SHA-512', prefix + hmacHex('secret', BODY, 'sha512')],
    ['one digit less', prefix + right.slice(1)],
    ['one digit more', `${prefix + right}0`],
    ['only the prefix', `${prefix}x`],
    ['no hex', prefix + 'g'.repeat(64)],
    ['base64', prefix + Buffer.from(right, 'hex').toString('base64')],
    ['two of them', `${prefix + right}, ${prefix + right}`],
    ['a line end', `${prefix + right}\n0`],
  ])('is not believed with %s', (_what, value) => {
    expect(of(value)).toBe('bad');
  });

  it('is not believed when any bit of the body is another', () => {
    const verdicts = Array.from({ length: BODY.length * 8 }, (_, bit) => {
      const raw = Buffer.from(BODY);
      raw[bit >> 3] = (raw[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return verdict(host, { [header]: prefix + right }, ['secret'], raw);
    });
    expect(new Set(verdicts)).toEqual(new Set(['bad']));
  });

  it('counts an empty header, and one that came as an empty list, as missing', () => {
    expect([of(''), of(' '), verdict(host, { [header]: [] }, ['secret'])]).toEqual([
      'missing',
      'missing',
      'missing',
    ]);
    expect(verdict(host, {}, ['secret'])).toBe('missing');
    expect(of(prefix)).toBe(prefix === '' ? 'missing' : 'bad');
  });

  it('takes a header that came twice for a wrong one', () => {
    expect(verdict(host, { [header]: [prefix + right] }, ['secret'])).toBe('ok');
    expect(verdict(host, { [header]: [prefix + right, prefix + right] }, ['secret'])).toBe('bad');
  });

  it('is never believed without a secret, nor with an empty one', () => {
    const empty = prefix + hmacHex('', BODY);
    expect([of(prefix + right, []), of(empty, []), of(empty, ['']), of(empty, ['', 'secret'])]).toEqual([
      'bad',
      'bad',
      'bad',
      'bad',
    ]);
  });

  it('reads no header of another host', () => {
    const others = signatures.filter(([, name]) => name !== header);
    const headers = Object.fromEntries(others.map(([, name, start]) => [name, start + right]));
    const proofs = {
      ...headers,
      'x-gitlab-token': 'secret',
      ...proofOf('azure', BODY, 'secret'),
    };
    expect(verdict(host, proofs, ['secret'])).toBe('missing');
  });
});

it('GitHub’s SHA-1 is no proof, and does no harm beside the other', () => {
  const legacy = { 'x-hub-signature': `sha1=${hmacHex('secret', BODY, 'sha1')}` };
  expect(verdict('github', legacy, ['secret'])).toBe('missing');
  expect(verdict('github', { ...legacy, ...proofOf('github', BODY, 'secret') }, ['secret'])).toBe('ok');
});

it('GitHub signs a form as it comes', () => {
  const form = Buffer.from(`payload=${encodeURIComponent(BODY.toString())}`);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...proofOf('github', form, 's') };
  expect(verdict('github', headers, ['s'], form)).toBe('ok');
  expect(verdict('github', headers, ['s'], BODY)).toBe('bad');
});

describe('a GitLab token', () => {
  const of = (token: string, ...secrets: string[]) => verdict('gitlab', { 'x-gitlab-token': token }, secrets);

  it('is believed when it is one of the secrets', () => {
    expect([of('secret', 'secret'), of('secret', 'other', 'secret')]).toEqual(['ok', 'ok']);
  });

  it('may hold letters beyond ASCII, which Node reads byte by byte', () => {
    expect([
      of('größe', 'größe'),
      of(Buffer.from('größe').toString('latin1'), 'größe'),
      of('größe', 'grosse'),
    ]).toEqual(['ok', 'ok', 'bad']);
  });

  it.each(['Secret', 'secre', 'secrets', 'secret secret', 's', 'x'.repeat(10_000), 'sécret'])(
    'is not believed when it is %s',
    (token) => {
      expect(of(token, 'secret')).toBe('bad');
    },
  );

  it('is missing when it is empty, and never believed without a secret', () => {
    expect([of('', 'secret'), of('', ''), of('secret'), of('secret', '')]).toEqual([
      'missing',
      'missing',
      'bad',
      'bad',
    ]);
  });
});

describe('a GitLab signature', () => {
  const key = Buffer.from('0123456789abcdef0123456789abcdef');
  const secret = `whsec_${key.toString('base64')}`;
  const seconds = Math.floor(NOW.getTime() / 1000);

  const signatureOf = (id: string, time: number | string, raw = BODY, by: Buffer | string = key) =>
    `v1,${createHmac('sha256', by).update(`${id}.${time}.`).update(raw).digest('base64')}`;
  const signed = (time: number | string = seconds, signature = signatureOf('msg_1', time)) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(time),
    'webhook-signature': signature,
  });
  const of = (headers: HookHeaders, ...secrets: string[]) =>
    verdict('gitlab', headers, secrets.length === 0 ? [secret] : secrets);

  it('is believed with the secret, be it the first or the second', () => {
    expect([of(signed()), of(signed(), secret, 'x'), of(signed(), 'x', secret)]).toEqual(['ok', 'ok', 'ok']);
  });

  it('is believed when any of several matches', () => {
    const right = signatureOf('msg_1', seconds);
    const wrong = signatureOf('msg_1', seconds, BODY, 'other');
    expect([
      of(signed(seconds, `${wrong} ${right}`)),
      of(signed(seconds, `v1a,${right.slice(3)} v2,x  ${right}`)),
      of(signed(seconds, `${right} ${wrong}`)),
    ]).toEqual(['ok', 'ok', 'ok']);
    expect(of(signed(seconds, `${wrong} ${wrong}`))).toBe('bad');
  });

  it.each([
    [-301, 'stale'],
    [-300, 'ok'],
    [0, 'ok'],
    [300, 'ok'],
    [301, 'stale'],
    [-86_400, 'stale'],
    [31_536_000, 'stale'],
  ] as const)('of %i seconds from now is %s', (apart, expected) => {
    expect(of(signed(seconds + apart))).toBe(expected);
  });

  it('that is wrong is wrong, however old', () => {
    expect(of(signed(seconds - 301, signatureOf('msg_1', seconds - 301, BODY, 'other')))).toBe('bad');
  });

  it.each([
    ['of another key', signed(seconds, signatureOf('msg_1', seconds, BODY, 'other'))],
    ['by the secret as a text', signed(seconds, signatureOf('msg_1', seconds, BODY, secret))],
    ['of another body', signed(seconds, signatureOf('msg_1', seconds, Buffer.from('{}')))],
    ['of another id', signed(seconds, signatureOf('msg_2', seconds))],
    ['of another time', signed(seconds, signatureOf('msg_1', seconds - 1))],
    ['of no time', signed('soon')],
    ['of a time before 1970', signed(-1)],
    ['of half a second', signed(`${seconds}.5`)],
    ['without a version', signed(seconds, signatureOf('msg_1', seconds).slice(3))],
    ['of another version', signed(seconds, signatureOf('msg_1', seconds).replace('v1', 'v2'))],
    ['in upper case', signed(seconds, signatureOf('msg_1', seconds).toUpperCase())],
    ['cut short', signed(seconds, signatureOf('msg_1', seconds).slice(0, -2))],
    ['without padding', signed(seconds, signatureOf('msg_1', seconds).replace(/=+$/, ''))],
    ['in hex', signed(seconds, `v1,${hmacHex('secret', BODY)}`)],
    ['without an id', { ...signed(), 'webhook-id': '' }],
    ['without a time', { ...signed(), 'webhook-timestamp': '' }],
  ])('%s is not believed, whatever token comes with it', (_what, headers) => {
    expect(of(headers)).toBe('bad');
    expect(of({ ...headers, 'x-gitlab-token': 'secret' }, secret, 'secret')).toBe('bad');
    expect(of({ ...headers, 'x-gitlab-token': secret }, secret)).toBe('bad');
  });

  it('is not believed by a secret of another form, an empty one or none', () => {
    const byText = signed(seconds, signatureOf('msg_1', seconds, BODY, 'secret'));
    const byNothing = signed(seconds, signatureOf('msg_1', seconds, BODY, ''));
    const byNone = verdictOn('gitlab', BODY, byNothing, [], NOW);
    expect([of(byText, 'secret'), of(byNothing, 'whsec_'), of(byNothing, ''), byNone]).toEqual([
      'bad',
      'bad',
      'bad',
      'bad',
    ]);
  });

  it('that is empty is missing, so that the token counts', () => {
    const headers = { ...signed(), 'webhook-signature': '' };
    expect(of(headers)).toBe('missing');
    expect(of({ ...headers, 'x-gitlab-token': 'secret' }, 'secret')).toBe('ok');
  });
});

describe('an Azure subscription', () => {
  const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
  const of = (headers: HookHeaders, ...secrets: string[]) =>
    verdict('azure', headers, secrets.length === 0 ? ['secret'] : secrets);

  it.each([
    ['any user', basic('ada:secret')],
    ['no user', basic(':secret')],
    ['the scheme in lower case', { authorization: basic('ada:secret').authorization.replace('B', 'b') }],
    ['a header', { 'x-sallyport-secret': 'secret' }],
    ['both', { ...basic('ada:secret'), 'x-sallyport-secret': 'secret' }],
  ])('is believed with %s', (_what, headers) => {
    expect([of(headers), of(headers, 'other', 'secret')]).toEqual(['ok', 'ok']);
  });

  it('may have a secret with colons or letters beyond ASCII', () => {
    expect([of(basic('a:b:c:'), 'b:c:'), of(basic('a:größe'), 'größe')]).toEqual(['ok', 'ok']);
  });

  it.each([
    ['another password', basic('ada:Secret')],
    ['the secret as user', basic('secret:')],
    ['more than the secret', basic('ada:secret:')],
    ['no password', basic('ada:')],
    ['another scheme', { authorization: 'Bearer secret' }],
    ['no base64', { authorization: 'Basic ada:secret' }],
    ['no scheme', { authorization: basic('ada:secret').authorization.slice(6) }],
    ['two of them', { authorization: [basic('ada:secret').authorization, basic('a:secret').authorization] }],
    ['another header', { 'x-sallyport-secret': 'Secret' }],
    ['a right password and a wrong header', { ...basic('a:secret'), 'x-sallyport-secret': 'x' }],
    ['a wrong password and a right header', { ...basic('a:x'), 'x-sallyport-secret': 'secret' }],
  ])('is not believed with %s', (_what, headers) => {
    expect(of(headers)).toBe('bad');
  });

  it('shows nothing when the headers are empty or absent', () => {
    expect([of({}), of({ authorization: '', 'x-sallyport-secret': '' })]).toEqual(['missing', 'missing']);
  });

  it('is never believed without a secret, nor with an empty one', () => {
    const verdicts = [verdict('azure', basic('a:'), []), of(basic('a:'), ''), of(basic(''), '')];
    expect(verdicts).toEqual(['bad', 'bad', 'bad']);
  });
});

it.each(Provider.options)('%s: names out of Object.prototype are no headers', (host) => {
  const headers = Object.create({ ...proofOf(host, BODY, 'secret') }) as HookHeaders;
  expect(verdict(host, headers, ['secret'])).toBe('missing');
});

describe('a body in pieces', () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 8 });
  const standard = (raw: Buffer): HookHeaders => {
    const seconds = String(Math.floor(NOW.getTime() / 1000));
    const signed = Buffer.concat([Buffer.from(`msg_1.${seconds}.`), raw]);
    const signature = createHmac('sha256', Buffer.from('MfKQ', 'base64')).update(signed).digest('base64');
    return { 'webhook-id': 'msg_1', 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
  };
  const signing: [Provider, (raw: Buffer) => HookHeaders, string][] = [
    ...signatures.map(([host]): [Provider, (raw: Buffer) => HookHeaders, string] => [
      host,
      (raw) => proofOf(host, raw, 'secret'),
      'secret',
    ]),
    ['gitlab', standard, 'whsec_MfKQ'],
  ];

  it.each(signing)('is proven to come from %s, and one byte more is not', (host, prove, secret) => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const verdictOf = (...arrived: Uint8Array[]) => {
          const headers = prove(Buffer.concat(parts));
          const proof = codecs[host].prove(headers, secretsOf('whsec_b2xk', secret));
          for (const piece of arrived) proof.update(piece);
          return proof.verdict(NOW);
        };
        expect([verdictOf(...parts), verdictOf(...parts, Buffer.from('x'))]).toEqual(['ok', 'bad']);
      }),
      { numRuns: 30 },
    );
  });
});
