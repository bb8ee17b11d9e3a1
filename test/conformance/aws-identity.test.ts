// Whom AWS sees: what the surroundings of a delegate lend, a role that is taken on, or the key of a builtin secret.
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../src/kernel/secret.js';
import { Refusal } from '../support/secret-servers/aws-accounts.js';
import type { AwsMetadata } from '../support/secret-servers/aws-metadata.js';
import { AwsWorld, allWays, keeper, type Surroundings, seenAs } from '../support/secret-servers/aws-world.js';
import { failureFrom, failureOf } from '../unit/support/refusals.js';

const lent = JSON.stringify({
  AccessKeyId: 'ASIA0123456789ABCDEF',
  SecretAccessKey: 'x',
  Token: 'x',
  Expiration: '2999-01-01T00:00:00Z',
});

let world: AwsWorld;
beforeEach(async () => {
  world = await AwsWorld.open();
});
afterEach(() => world.close());

describe('the delegate’s own identity', () => {
  it.each(allWays)('is what the %s lends', async (way) => {
    await world.kms(world.ways[way]()).check();
    expect(world.principals.at(-1)).toBe(seenAs[way]);
  });

  it('is of the first of these that is offered', async () => {
    await world.kms({ ...world.ways.machine(), ...world.ways.container() }).check();
    expect(world.principals).toEqual(['container']);
    await world
      .kms({ ...world.ways.machine(), ...world.ways.container(), ...world.ways['web identity']() })
      .check();
    expect(world.principals.at(-1)).toBe(seenAs['web identity']);
  });

  it.each(allWays)('of the %s is asked for once while it lasts', async (way) => {
    const kms = world.kms(world.ways[way]());
    await kms.check();
    const before = [world.server.sts.lent.length, world.metadata.asked.length];
    await kms.check();
    expect([world.server.sts.lent.length, world.metadata.asked.length]).toEqual(before);
  });

  it.each(allWays)('of the %s is renewed once when it is not accepted any more', async (way) => {
    const kms = world.kms(world.ways[way]());
    await kms.check();
    const issued = vi.spyOn(world.server.accounts, 'issue');
    world.server.inject = (operation) =>
      operation === 'Encrypt' && issued.mock.calls.length === 0
        ? new Refusal(400, 'ExpiredTokenException', '')
        : undefined;
    await kms.check();
    expect(issued).toHaveBeenCalledTimes(1);
    world.server.inject = () => new Refusal(400, 'ExpiredTokenException', '');
    expect((await failureFrom(kms.check())).code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
  });

  it('is asked for anew before it ends', async () => {
    world.metadata.lifeMs = 60_000;
    const kms = world.kms(world.ways.machine());
    await kms.check();
    const before = world.metadata.asked.length;
    await kms.check();
    expect(world.metadata.asked.length).toBeGreaterThan(before);
  });

  it('comes of the token that is in the file now', async () => {
    const environment = world.ways['web identity']();
    const kms = world.kms(environment);
    await kms.check();
    world.server.sts.role('pod', { tokens: new Set(['token-2']) });
    fs.writeFileSync(environment.AWS_WEB_IDENTITY_TOKEN_FILE, 'token-2');
    const [first] = world.server.asked.filter(({ operation }) => operation === 'Encrypt');
    expect(first?.by).toBe(seenAs['web identity']);
    let isStale = true;
    world.server.inject = (operation) => {
      const answer =
        operation === 'Encrypt' && isStale ? new Refusal(400, 'ExpiredTokenException', '') : undefined;
      if (operation === 'Encrypt') isStale = false;
      return answer;
    };
    await kms.check();
    expect(world.server.sts.lent).toHaveLength(2);
  });

  it.each<[string, () => Surroundings, string]>([
    ['token that is not known', () => world.ways['web identity']('other'), 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    [
      'token file that is not there',
      () => ({ ...world.ways['web identity'](), AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent' }),
      'SECRET_MANAGER_SIGN_IN_REFUSED',
    ],
    [
      'container that knows another token',
      () => world.ways.container('other'),
      'SECRET_MANAGER_SIGN_IN_REFUSED',
    ],
    [
      'container token with a line of its own',
      () => world.ways.container('a\r\nx: y'),
      'SECRET_MANAGER_SIGN_IN_REFUSED',
    ],
    [
      'container elsewhere without TLS',
      () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://192.0.2.1/' }),
      'SECRET_MANAGER_MISCONFIGURED',
    ],
    [
      'container at another host behind a relative address',
      () => ({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '.evil.test/' }),
      'SECRET_MANAGER_MISCONFIGURED',
    ],
    [
      'machine that may not be asked',
      () => ({ ...world.ways.machine(), AWS_EC2_METADATA_DISABLED: 'TRUE' }),
      'SECRET_MANAGER_SIGN_IN_REFUSED',
    ],
    [
      'machine that nobody answers for',
      () => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' }),
      'SECRET_MANAGER_UNAVAILABLE',
    ],
  ])('is refused with a %s', async (_, environment, code) => {
    expect(await failureFrom(world.kms(environment()).check())).toMatchObject({ code, data: keeper });
    expect(world.server.operations).not.toContain('Encrypt');
  });

  it.each<[string, AwsMetadata['instead'], string]>([
    ['404', { status: 404, body: '' }, 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    ['500', { status: 500, body: '' }, 'SECRET_MANAGER_UNAVAILABLE'],
    ['a page', { status: 200, body: '<html>' }, 'SECRET_MANAGER_GARBLED'],
    ['too much', { status: 200, body: lent.padEnd(70_000) }, 'SECRET_MANAGER_GARBLED'],
    ['nothing', 'silent', 'SECRET_MANAGER_UNAVAILABLE'],
  ])('is refused when the machine or the container answers %s', async (_, instead, code) => {
    world.metadata.instead = instead;
    for (const environment of [world.ways.machine(), world.ways.container()])
      expect((await failureFrom(world.kms(environment).check())).code).toBe(code);
  });

  it.each<[string, Refusal | 'cut', string]>([
    ['throttled', new Refusal(400, 'Throttling', 'Rate exceeded'), 'SECRET_MANAGER_THROTTLED'],
    ['at fault', new Refusal(500, 'InternalFailure', ''), 'SECRET_MANAGER_UNAVAILABLE'],
    ['cut off', 'cut', 'SECRET_MANAGER_UNAVAILABLE'],
    [
      'without its identity provider',
      new Refusal(400, 'IDPCommunicationError', ''),
      'SECRET_MANAGER_UNAVAILABLE',
    ],
    ['of another mind', new Refusal(400, 'IDPRejectedClaim', 'token-1'), 'SECRET_MANAGER_SIGN_IN_REFUSED'],
    ['new', new Refusal(400, 'SomethingNew', 'token-1'), 'SECRET_MANAGER_SIGN_IN_REFUSED'],
  ])('is not there when what exchanges tokens is %s', async (_, answer, code) => {
    world.server.inject = (operation) => (operation === 'AssumeRoleWithWebIdentity' ? answer : undefined);
    const failure = await failureFrom(world.kms(world.ways['web identity']()).check());
    expect(failure).toMatchObject({ code, data: keeper });
    expect(failure.message).not.toContain('token-1');
  });
});

describe('a role', () => {
  it.each(allWays)('is taken on by what the %s lends, with the external id', async (way) => {
    const role = world.server.sts.role('kms', { externalId: 'x-1', trusts: new Set([seenAs[way]]) });
    await world.kms(world.ways[way](), { role: { arn: role.arn, externalId: 'x-1' } }).check();
    expect(world.server.sts.lent.at(-1)).toBe('AssumeRole');
    expect(world.principals.at(-1)).toBe(role.arn);
  });

  it('is taken on by the key of a builtin secret, and anew when it was not accepted', async () => {
    const credential = world.keyOf('user');
    const role = world.server.sts.role('kms', { trusts: new Set(['user']) });
    const kms = world.kms({}, { role: { arn: role.arn } }, { credential });
    await kms.check();
    let isStale = true;
    world.server.inject = (operation) => {
      const answer =
        operation === 'Encrypt' && isStale ? new Refusal(400, 'ExpiredTokenException', '') : undefined;
      if (operation === 'Encrypt') isStale = false;
      return answer;
    };
    await kms.check();
    expect(world.server.sts.lent).toEqual(['AssumeRole', 'AssumeRole']);
    credential.wipe();
  });

  it('is taken on anew before what it lent ends', async () => {
    const role = world.server.sts.role('kms', { trusts: new Set(['machine']), lifeMs: 60_000 });
    const kms = world.kms(world.ways.machine(), { role: { arn: role.arn } });
    for (let turn = 0; turn < 3; turn++) await kms.check();
    expect(world.server.sts.lent.length).toBeGreaterThanOrEqual(3);
    expect(world.principals).toEqual(['machine', role.arn]);
  });

  it('is not believed when what lends it answers 2 MB', async () => {
    const role = world.server.sts.role('kms', { trusts: new Set(['machine']) });
    world.server.padding = ' '.repeat(2e6);
    const failure = await failureFrom(world.kms(world.ways.machine(), { role: { arn: role.arn } }).check());
    expect(failure.code).toBe('SECRET_MANAGER_GARBLED');
  });

  it.each([
    ['does not trust it', { trusts: new Set<string>() }],
    ['asks for another external id', { trusts: new Set(['user']), externalId: 'other' }],
  ])('that %s is a sign-in refused', async (_, terms) => {
    const credential = world.keyOf('user');
    const { arn: role } = world.server.sts.role('kms', terms);
    const kms = world.kms({}, { role: { arn: role, externalId: 'x-1' } }, { credential });
    const failure = await failureFrom(kms.check());
    expect(failure.code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
    expect(failure.message).toContain('taking on the role');
    credential.wipe();
  });
});

describe('the key of a builtin secret', () => {
  it('may have a session token', async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = world.server.accounts.issue('lent', 3_600_000);
    const credential = new Secret(
      Buffer.from(JSON.stringify({ accessKeyId, secretAccessKey, sessionToken })),
    );
    await world.kms({}, {}, { credential }).check();
    expect(world.principals).toEqual(['lent']);
    credential.wipe();
  });

  it('is used as long as the manager is there, though the secret is wiped, and never renewed', async () => {
    const credential = world.keyOf('user');
    const kms = world.kms(world.ways.machine(), {}, { credential });
    credential.wipe();
    await kms.check();
    let attempts = 0;
    world.server.inject = () => {
      attempts++;
      return new Refusal(400, 'ExpiredTokenException', '');
    };
    expect((await failureFrom(kms.check())).code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
    expect(attempts).toBe(1);
    expect(world.metadata.asked).toEqual([]);
  });

  it('is not in the failure when the signature is not accepted', async () => {
    const { accessKeyId, sessionToken } = world.server.accounts.issue('lent', 3_600_000);
    const wrong = { accessKeyId, secretAccessKey: 'correct-horse-battery-staple', sessionToken };
    const credential = new Secret(Buffer.from(JSON.stringify(wrong)));
    const failure = await failureFrom(world.kms({}, {}, { credential }).check());
    expect(failure.code).toBe('SECRET_MANAGER_SIGN_IN_REFUSED');
    const text = `${failure.message} ${JSON.stringify(failure.toWire())} ${String(failure.cause)}`;
    expect(text).not.toContain('correct-horse');
    expect(text).not.toContain(sessionToken);
    credential.wipe();
  });

  it.each([
    'correct-horse',
    '"correct-horse"',
    '{"accessKeyId":"AKIA0123456789ABCDEF"}',
    '{"accessKeyId":"AKIA0123456789ABCDEF","secretAccessKey":""}',
    '{"accessKeyId":"AKIA0123456789ABCDEF","secretAccessKey":"correct-horse\\nx"}',
    '{"accessKeyId":"AKIA0123456789ABCDEF","secretAccessKey":"correct-horse","profile":"x"}',
    '{"accessKeyId":"short","secretAccessKey":"correct-horse"}',
  ])('of another form is refused without being shown: %s', (text) => {
    const credential = new Secret(Buffer.from(text));
    const failure = failureOf(() => world.kms({}, {}, { credential }));
    credential.wipe();
    expect(failure).toMatchObject({ code: 'SECRET_MANAGER_MISCONFIGURED', data: keeper });
    expect(`${failure.message} ${JSON.stringify(failure.toWire())}`).not.toContain('correct-horse');
  });
});
