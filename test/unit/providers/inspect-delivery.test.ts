// What is said of one line, whatever it is. The command itself is in webhook-command.test.ts.
import { describe, expect, it } from 'vitest';
import { inspectDelivery } from '../../../src/providers/inspect-delivery.js';
import { bytesOf, deliveryOf, hmacHex, proofOf } from '../support/deliveries.js';

const push = deliveryOf('github', 'push');
const raw = bytesOf(push.body);
const good = {
  id: 'one',
  host: 'github',
  headers: { ...push.headers, ...proofOf('github', raw, 'its secret') } as Record<string, unknown>,
  bodyBase64: raw.toString('base64'),
  secrets: ['its secret'],
} as const;
const inspect = (changes: object = {}) => inspectDelivery(JSON.stringify({ ...good, ...changes }));

const { repo: _repo, ...event } = push.golden.event;
const repo = {
  id: '186853002',
  fullName: 'Codertocat/Hello-World',
  cloneUrls: ['https://github.com/Codertocat/Hello-World.git', 'git@github.com:Codertocat/Hello-World.git'],
};

describe('a delivery', () => {
  it('is shown with its event and its repository', () => {
    expect(inspect()).toEqual({
      id: 'one',
      verified: true,
      deliveryId: push.golden.deliveryId,
      event,
      repo,
    });
  });

  it.each([
    ['the names of its headers in any case', { headers: upper(good.headers) }],
    ['values of headers as lists', { headers: listed(good.headers) }],
    ['more than one secret', { secrets: ['other', 'its secret'] }],
    ['unpadded base64', { bodyBase64: good.bodyBase64.replace(/=+$/, '') }],
    ['a time as a text', { now: '2026-11-26T10:00:00Z' }],
    ['a time with an offset', { now: '2026-11-26T10:00:00.5+01:00' }],
    ['a time in milliseconds', { now: 1_764_000_000_000 }],
    ['no time', { now: null }],
    ['more fields', { note: 'x' }],
    ['no media type', { headers: without('content-type') }],
    ['an empty media type', { headers: { ...without('content-type'), 'Content-Type': ' ' } }],
    ['an empty encoding', { headers: { ...good.headers, 'content-encoding': '' } }],
    ['an encoding that is none', { headers: { ...good.headers, 'Content-Encoding': 'Identity' } }],
  ])('may have %s', (_what, changes) => {
    expect(inspect(changes)).toMatchObject({ verified: true, event, repo });
  });

  it.each([[5], [null], ['']])('may be called %j', (id) => {
    expect(inspect({ id })).toMatchObject({ id, verified: true });
  });

  function without(name: string) {
    return Object.fromEntries(Object.entries(good.headers).filter(([header]) => header !== name));
  }
  function upper(headers: Record<string, unknown>) {
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
  }
  function listed(headers: Record<string, unknown>) {
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  }
});

describe('what is wrong with it is a code, and its event is shown all the same', () => {
  const signature = (value: string | undefined) => ({
    headers: { ...good.headers, 'x-hub-signature-256': value },
  });

  it.each([
    ['no signature', signature(undefined), 'SIGNATURE_MISSING'],
    ['an empty one', signature(''), 'SIGNATURE_MISSING'],
    [
      'SHA-1 alone',
      { headers: { ...push.headers, 'X-Hub-Signature': `sha1=${hmacHex('its secret', raw, 'sha1')}` } },
      'SIGNATURE_MISSING',
    ],
    ['another secret', { secrets: ['another'] }, 'SIGNATURE_WRONG'],
    ['no secret', { secrets: [] }, 'SIGNATURE_WRONG'],
    ['an empty secret', { secrets: [''] }, 'SIGNATURE_WRONG'],
    [
      'a signature in upper case',
      signature(`sha256=${hmacHex('its secret', raw).toUpperCase()}`),
      'SIGNATURE_WRONG',
    ],
    [
      'two, in different letter case',
      { headers: { ...good.headers, 'X-HUB-SIGNATURE-256': 'sha256=x' } },
      'SIGNATURE_WRONG',
    ],
  ])('%s', (_what, changes, code) => {
    expect(inspect(changes)).toMatchObject({ verified: false, code, why: expect.any(String), event, repo });
  });

  it('a stale signature', () => {
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      'x-gitlab-event': 'Note Hook',
    };
    const bodyBase64 = Buffer.from('{"test": 2432232314}').toString('base64');
    const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'];
    const at = (now: unknown) => inspect({ host: 'gitlab', headers, bodyBase64, secrets, now });
    expect(at(1_614_265_330_000)).toMatchObject({ verified: true });
    expect(at('2021-02-25T15:02:10Z')).toMatchObject({ verified: true });
    for (const now of [1_614_265_330_000 + 301_000, '2021-02-25', undefined])
      expect(at(now)).toMatchObject({ verified: false, code: 'SIGNATURE_STALE', event: { kind: 'ignored' } });
  });

  it('a body that is none, proven or not', () => {
    const bytes = Buffer.from('{"ref":');
    const bodyBase64 = bytes.toString('base64');
    const nothing = { event: { kind: 'ignored', why: 'The body is not JSON' }, repo: { cloneUrls: [] } };
    const headers = { 'x-github-event': 'push', ...proofOf('github', bytes, 'its secret') };
    expect(inspect({ bodyBase64, headers })).toMatchObject({
      verified: true,
      code: 'BODY_MALFORMED',
      ...nothing,
    });
    expect(inspect({ bodyBase64 })).toMatchObject({ verified: false, code: 'SIGNATURE_WRONG', ...nothing });
  });

  it.each([
    [
      'of a media type that is not read',
      { 'content-type': 'text/plain' },
      'The body is neither JSON nor a form',
    ],
    ['that is compressed', { 'content-encoding': 'gzip' }, 'A compressed body is not read'],
  ])('a body %s, however well it is proven', (_what, more, why) => {
    const headers = { ...good.headers, ...more };
    expect(inspect({ headers })).toMatchObject({ verified: false, code: 'MEDIA_TYPE_UNSUPPORTED', why });
  });

  it('a form where none is read', () => {
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Gitea-Signature': 'a'.repeat(64),
    };
    expect(inspect({ host: 'gitea', headers })).toMatchObject({
      verified: false,
      code: 'MEDIA_TYPE_UNSUPPORTED',
      event: { kind: 'ignored' },
    });
  });
});

it('headers of one name in very many letter cases are too many, before they are put together', () => {
  const cases = (at: number) =>
    'abcdefghijkl'.split('').map((one, bit) => ((at >> bit) & 1 ? one.toUpperCase() : one));
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [cases(at).join(''), 'x']));
  expect(inspect({ headers: { ...good.headers, ...many(400) } })).toMatchObject({ verified: true });
  expect(inspect({ headers: many(1_001) })).toMatchObject({
    code: 'LINE_INVALID',
    why: expect.stringContaining('more than 1,000'),
  });
});

describe('a line that is no delivery', () => {
  it.each([
    '',
    ' ',
    'x',
    '{',
    '[]',
    'null',
    '5',
    '"x"',
    '{"id":"one"}}',
    `${JSON.stringify(good)}x`,
    '\u0000',
  ])('%j is invalid', (line) => {
    expect(inspectDelivery(line)).toEqual({
      id: null,
      verified: false,
      code: 'LINE_INVALID',
      why: 'The line is not a JSON object',
    });
  });

  it.each([
    ['host', { host: undefined }],
    ['host', { host: ['github'] }],
    ['headers', { headers: undefined }],
    ['headers', { headers: [] }],
    ['headers', { headers: null }],
    ['headers', { headers: { a: 5 } }],
    ['headers', { headers: { a: [null] } }],
    ['headers', { headers: { a: { b: 'c' } } }],
    ['headers', { headers: { a: 'x'.repeat(65_537) } }],
    ['bodyBase64', { bodyBase64: undefined }],
    ['bodyBase64', { bodyBase64: 5 }],
    ['bodyBase64', { bodyBase64: '{}' }],
    ['bodyBase64', { bodyBase64: 'e3 0=' }],
    ['bodyBase64', { bodyBase64: 'e30=e30=' }],
    ['bodyBase64', { bodyBase64: 'e3_-' }],
    ['secrets', { secrets: undefined }],
    ['secrets', { secrets: 'its secret' }],
    ['secrets', { secrets: [5] }],
    ['secrets', { secrets: Array.from({ length: 17 }, () => 'x') }],
    ['now', { now: 'yesterday' }],
    ['now', { now: '2026-13-45T00:00:00Z' }],
    ['now', { now: -1 }],
    ['now', { now: {} }],
    ['now', { now: 1e18 }],
  ])('is told what is wrong with its %s', (field, changes) => {
    const answer = inspect(changes);
    expect(answer).toEqual({
      id: 'one',
      verified: false,
      code: 'LINE_INVALID',
      why: expect.stringMatching(new RegExp(`^${field}: `)),
    });
  });

  it.each([[{}], [[]], [true], ['x'.repeat(1_001)]])('has no id when that is %j', (id) => {
    expect(inspect({ id })).toMatchObject({ id: null, code: 'LINE_INVALID' });
  });

  it.each(['GitHub', 'sourceforge', '', '__proto__', 'constructor', 'toString'])(
    'of host %j is unknown',
    (host) => {
      expect(inspect({ host })).toMatchObject({ id: 'one', verified: false, code: 'HOST_UNKNOWN' });
    },
  );

  it('has a body of more than 25 MiB', () => {
    const most = Buffer.alloc(25 * 1024 * 1024, ' ');
    expect(inspect({ bodyBase64: most.toString('base64') })).toMatchObject({ code: 'SIGNATURE_WRONG' });
    const more = Buffer.concat([most, Buffer.from(' ')]).toString('base64');
    expect(inspect({ bodyBase64: more })).toMatchObject({
      id: 'one',
      verified: false,
      code: 'BODY_TOO_LARGE',
    });
  });
});

it('no answer has a secret in it', () => {
  const secret = 'hunter2-hunter2';
  const line = JSON.stringify({ ...good, secrets: [secret] });
  const lines = [
    line,
    `${line}x`,
    line.slice(0, -1),
    `"${secret}`,
    `{"secrets":[${secret}]}`,
    `{"id":1,"host":"github","secrets":"${secret}"}`,
    `{"id":1,"host":"${secret}"}`,
    line.replace('"secrets":[', '"secrets":['.padEnd(30)),
    JSON.stringify({ ...good, host: 'gitlab', headers: { 'x-gitlab-token': secret }, secrets: [secret] }),
    JSON.stringify({ ...good, host: 'azure', headers: proofOf('azure', raw, secret), secrets: [secret] }),
    JSON.stringify({ ...good, headers: { [secret]: 5 } }),
    JSON.stringify({ ...good, now: secret }),
    JSON.stringify({ ...good, bodyBase64: `${secret}!` }),
  ];
  const answers = lines.map((one) => JSON.stringify(inspectDelivery(one)));
  const forms = [secret, Buffer.from(secret).toString('base64').slice(0, 12)];
  expect(answers.filter((one) => forms.some((form) => one.includes(form)))).toEqual([]);
});
