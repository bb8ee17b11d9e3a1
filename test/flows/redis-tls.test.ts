// Redis by TLS: each side believes the authority of its own settings and shows its own certificate.
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.js';
import type { Failure } from '../../src/kernel/failure.js';
import { managerPrefix, openQueueBackend } from '../../src/queue/backend.js';
import { makePassword, QueueAccess } from '../../src/queue/queue-access.js';
import { type RedisFiles, redisEndpoint } from '../../src/queue/redis-endpoint.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { newId } from '../support/redis-users.js';
import { type RunningRedis, startRedis } from '../support/servers.js';
import { connectorOf, Stack } from '../support/stack.js';

let certificates: Certificates;
let redis: RunningRedis;
beforeAll(async () => {
  certificates = makeCertificates();
  redis = await startRedis(undefined, { users: true, tls: certificates });
});
afterAll(async () => {
  await redis.stop();
  certificates.remove();
});

const files = () => ({
  SALLYPORT_REDIS_CA_FILE: certificates.authorityFile,
  SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE: certificates.client.certificateFile,
  SALLYPORT_REDIS_CLIENT_KEY_FILE: certificates.client.keyFile,
});

/** What a queue of a manager or a delegate meets. */
async function reach(given: RedisFiles, url = redis.url): Promise<string> {
  const { producer } = await openQueueBackend({ redisUrl: url, databaseUrl: undefined }, given);
  const queue = new Queue('jobs', { ...producer, prefix: managerPrefix });
  const fault = new Promise<string>((resolve) => queue.once('error', ({ message }) => resolve(message)));
  const answer = await Promise.race([queue.waitUntilReady().then(() => 'ready'), fault]).catch(
    (error: Error) => error.message,
  );
  await queue.close();
  return answer;
}

async function admit(given: RedisFiles): Promise<void> {
  const access = new QueueAccess({ kind: 'redis' }, redis.adminUrl, given);
  const { passwordHash } = makePassword();
  try {
    await access.admit({ delegate: newId('d'), group: newId('g'), passwordHash });
  } finally {
    await access.close();
  }
}

describe('a Redis that speaks TLS and asks for certificates', () => {
  it('is reached with its authority and a certificate, for tasks and for users', async () => {
    expect(await reach(files())).toBe('ready');
    await admit(files());
    // A scheme is a scheme in capitals too, and no reason to speak in the clear.
    expect(await reach(files(), redis.url.replace('rediss', 'REDISS'))).toBe('ready');
  });

  it.each([
    [
      'another authority',
      () => ({ ...files(), SALLYPORT_REDIS_CA_FILE: certificates.selfSigned.certificateFile }),
      /self-signed certificate in certificate chain/,
    ],
    [
      'the usual authorities alone',
      () => ({ ...files(), SALLYPORT_REDIS_CA_FILE: undefined }),
      /self-signed certificate in certificate chain/,
    ],
    [
      'no certificate',
      () => ({ SALLYPORT_REDIS_CA_FILE: certificates.authorityFile }),
      /certificate required|handshake failure|closed/i,
    ],
    [
      'a certificate of another authority',
      () => ({
        ...files(),
        SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE: certificates.selfSigned.certificateFile,
        SALLYPORT_REDIS_CLIENT_KEY_FILE: certificates.selfSigned.keyFile,
      }),
      /unknown ca|closed/i,
    ],
  ])('is not reached with %s', async (_, given, reason) => {
    expect(await reach(given())).toMatch(reason);
    await expect(admit(given())).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
  });

  it('is not reached under a name that its certificate has not', async () => {
    expect(await reach(files(), redis.url.replace('127.0.0.1', '127.0.0.2'))).toMatch(
      /ECONNREFUSED|altnames/,
    );
  });
});

describe('settings for TLS', () => {
  const failureOf = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return (error as Failure).message;
    }
    return 'none';
  };

  it('are refused where nothing would be encrypted', () => {
    expect(failureOf(() => redisEndpoint('redis://queue.example', files()))).toMatch(
      /nothing would be encrypted/,
    );
    expect(failureOf(() => new QueueAccess({ kind: 'redis' }, 'redis://queue.example', files()))).toMatch(
      /nothing would be encrypted/,
    );
    expect(failureOf(() => redisEndpoint('redis://queue.example', {}))).toBe('none');
    expect(failureOf(() => redisEndpoint('rediss://queue.example', {}))).toBe('none');
  });

  it('are refused where certificate and key are no pair', () => {
    const { SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE: certificate, ...others } = files();
    const both = 'SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE and SALLYPORT_REDIS_CLIENT_KEY_FILE';
    expect(failureOf(() => readConfig(others))).toContain(`${both} belong together: set both`);
    expect(failureOf(() => readConfig({ SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE: certificate }))).toContain(
      `${both} belong together: set both`,
    );
    const wrong = { ...files(), SALLYPORT_REDIS_CLIENT_KEY_FILE: certificates.server.keyFile };
    expect(failureOf(() => readConfig(wrong))).toContain(`${both} are no pair`);
    expect(failureOf(() => readConfig(files()))).toBe('none');
  });
});

describe('a manager and its delegate', () => {
  it('work across a Redis of the shipped configuration by TLS', async () => {
    const stack = await Stack.start('real', { redis: { users: true, tls: certificates }, settings: files() });
    try {
      const git = { connector: connectorOf.delegate, branch: 'main' };
      expect((await stack.api.save('over-tls', 'name: tls\n', git)).status).toBe(201);
    } finally {
      await stack.stop();
    }
  });
});
