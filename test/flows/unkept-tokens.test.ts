// A refresh token in a secret manager that opens it and then takes no successor: one delegate has that on its disk, and the other of
// its group does not show the host what is spent.
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SecretsRepository } from '../../src/secrets/secrets.repository.js';
import { Storage } from '../../src/storage/database.js';
import { type Answer, eventually, type Json } from '../support/api.js';
import { sql } from '../support/database.js';
import { type Authorisation, TokenGate, TokenServer } from '../support/token-server.js';
import { SCOPE, VaultedStack } from '../support/vaulted-stack.js';

let world: VaultedStack;
let tokens: TokenServer;
let gate: TokenGate;
let known: Authorisation;

async function keep(id: string, value: string): Promise<void> {
  const body = await world.seal(id, value, 'transit');
  await world.put(`secrets/${id}`, body);
  const isKept = async (): Promise<boolean> =>
    (await world.stack.api.request('GET', `${SCOPE}/secrets/${id}`)).body.version === body.sealed.version;
  await eventually(isKept, `${id} to be kept`);
}

const refuse = (operation: 'encrypt' | 'decrypt'): void => {
  world.vault.interfere = ({ path }) =>
    path.startsWith(`transit/${operation}/`) ? { status: 503, body: { errors: ['sealed'] } } : undefined;
};

beforeAll(async () => {
  tokens = await TokenServer.open();
  known = tokens.authorise();
  world = await new VaultedStack().start({ delegates: 2 });
  const { host, accounts } = world.stack;
  const { username, password } = accounts.delegate;
  gate = await TokenGate.open(
    host.url.replace('://', `://${username}:${password}@`),
    (authorization) =>
      authorization === `Basic ${Buffer.from(`oauth2:${known.accessToken}`).toString('base64')}`,
  );
  await keep('client', known.clientSecret);
  await keep('refresh', known.refreshToken);
  await world.put('connectors/tokens', {
    url: `${gate.url}/demo.git`,
    connectivity: 'delegate',
    provider: 'gitlab',
    credential: {
      kind: 'oauth2',
      tokenUrl: tokens.tokenUrl,
      clientId: known.clientId,
      clientSecret: 'client',
      refreshToken: 'refresh',
    },
  });
});
afterAll(async () => {
  await world?.stop();
  await gate?.close();
  await tokens?.close();
});

it('a successor that cannot be kept is tried again by the delegate that has it', async () => {
  refuse('encrypt');
  const accepted = await world.save('tokens', { prefer: 'wait=0' });
  expect(accepted.status, accepted.text).toBe(202);
  const operation = (): Promise<Json> => world.stack.api.ok('GET', `${SCOPE}/operations/${accepted.body.id}`);
  const encrypts = (): number =>
    world.vault.seen.filter(({ path }) => path.startsWith('transit/encrypt/')).length;
  await eventually(
    async () => /does not take it/.test((await operation()).waitsFor ?? ''),
    'the save to wait for the secret manager',
  );
  const before = encrypts();
  await eventually(async () => encrypts() > before + 2, 'it to be tried again');
  expect([known.asked, known.given]).toEqual([1, 1]);
  await assertOnlyAsked();
  world.vault.interfere = () => undefined;
  expect(await world.stack.api.ended(accepted.body.id)).toMatchObject({ state: 'succeeded' });
  expect([known.asked, known.given]).toEqual([2, 2]);
});

it('a token that has ended is forgotten', async () => {
  const { databaseUrl } = world.stack;
  const kept = () => sql(databaseUrl, 'select 1 from secret_token');
  const storage = new Storage(databaseUrl);
  try {
    const secrets = new SecretsRepository(storage);
    await secrets.forgetSuperseded(1);
    expect(await kept()).toHaveLength(1);
    await sql(databaseUrl, 'update secret_token set usable_until = now()');
    await secrets.forgetSuperseded(1);
    expect(await kept()).toEqual([]);
  } finally {
    await storage.close();
  }
});

/** The delegate that has the successor, whatever fails and is edited meanwhile. */
async function assertOnlyAsked(): Promise<void> {
  const { api, databaseUrl } = world.stack;
  const begun = async (): Promise<Json> => {
    const statement = `select begun_by, begun_at from secret_grant where secret_id = 'refresh'`;
    return (await sql(databaseUrl, statement))[0];
  };
  const check = (): Promise<Answer> => api.request('POST', `${SCOPE}/connectors/tokens/check`);
  const { begun_by: delegate } = await begun();
  const isDisabled = async (): Promise<boolean> =>
    /that has begun it can do it \(local\/[\w-]+: it was disabled/.test((await check()).text);
  await sql(databaseUrl, `update delegate set state = 'disabled' where id = $1`, [delegate]);
  await eventually(isDisabled, 'it to be asked no more');
  const before = await begun();
  world.vault.interfere = () => undefined;
  await keep('client', known.clientSecret);
  const wish = { action: 'reencrypt', secret: 'refresh' };
  const { id } = await api.ok('POST', `${SCOPE}/secret-operations`, wish);
  await eventually(
    async () => (await api.ok('GET', `${SCOPE}/secret-operations/${id}`)).state === 'succeeded',
    'the refresh token to be encrypted anew',
  );
  expect(await isDisabled()).toBe(true);
  refuse('decrypt');
  await api.ok('POST', `${SCOPE}/delegates/${delegate}/enable`);
  await eventually(
    async () => (await check()).text.includes('SECRET_MANAGER_UNAVAILABLE'),
    'it to get no secret',
  );
  // One that is asked in vain makes it no newer.
  await eventually(async () => isDeepStrictEqual(await begun(), before), 'it to be in doubt as before');
  expect([known.asked, known.given]).toEqual([1, 1]);
}
