import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../../src/kernel/failure.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { SecretsRepository } from '../../../src/secrets/secrets.repository.js';
import type { SecretsService } from '../../../src/secrets/secrets.service.js';
import { HookSecrets } from '../../../src/webhooks/hook-secrets.js';
import type { Doorplate } from '../../../src/webhooks/webhooks.repository.js';

const scope = 'accounts/demo';
const plateOf = (...secrets: string[]): Doorplate => ({
  scope,
  id: 'c',
  provider: 'github',
  secrets: secrets.map((secret) => ({ scope, secret, version: '1' })),
});

/** What is kept now, by name: its version, and how long opening it takes in milliseconds; undefined where that fails. */
let kept: Record<string, { version: string; ms: number } | undefined>;
let opened: string[];
let secrets: HookSecrets;

beforeEach(() => {
  vi.useFakeTimers();
  kept = { one: { version: '1', ms: 0 }, two: { version: '1', ms: 0 } };
  opened = [];
  const held = async (_: string, id: string) => ({ id, stored: { version: kept[id]?.version ?? '1' } });
  const open = async ({ id, stored }: { id: string; stored: { version: string } }) => {
    const secret = kept[id];
    if (secret === undefined) throw new Failure('SECRET_DELETED', { secret: id } as never);
    await vi.advanceTimersByTimeAsync(secret.ms);
    opened.push(`${id} ${stored.version}`);
    return new Secret(Buffer.from(`${id} ${stored.version}`));
  };
  secrets = new HookSecrets({ held } as unknown as SecretsRepository, { open } as unknown as SecretsService);
});
afterEach(() => vi.useRealTimers());

/** What is lent, in clear, and whether that is all. */
const lent = (plate: Doorplate) =>
  secrets.use(plate, (all, complete) => ({
    texts: all.map((secret) => secret.use((bytes) => bytes.toString())),
    complete,
  }));

describe('secrets of a webhook', () => {
  it('are opened once in a minute', async () => {
    await lent(plateOf('one', 'two'));
    await vi.advanceTimersByTimeAsync(59_000);
    expect(await lent(plateOf('one', 'two'))).toEqual({ texts: ['one 1', 'two 1'], complete: true });
    expect(opened).toEqual(['one 1', 'two 1']);
    await vi.advanceTimersByTimeAsync(1_000);
    await lent(plateOf('one'));
    expect(opened).toEqual(['one 1', 'two 1', 'one 1']);
  });

  it('of which one becomes too old while another is opened are lent both', async () => {
    await lent(plateOf('one'));
    await vi.advanceTimersByTimeAsync(5);
    await lent(plateOf('two'));
    await vi.advanceTimersByTimeAsync(59_996);
    kept.one = { version: '1', ms: 10 };
    expect(await lent(plateOf('one', 'two'))).toEqual({ texts: ['one 1', 'two 1'], complete: true });
  });

  it('that were edited since the look at them count as they are now', async () => {
    kept.one = { version: '2', ms: 0 };
    expect(await lent(plateOf('one'))).toEqual({ texts: ['one 2'], complete: true });
  });

  it('that cannot be opened are missed, and not tried again at once', async () => {
    kept.two = undefined;
    expect(await lent(plateOf('one', 'two'))).toEqual({ texts: ['one 1'], complete: false });
    kept.two = { version: '1', ms: 0 };
    expect(await lent(plateOf('one', 'two'))).toMatchObject({ complete: false });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await lent(plateOf('one', 'two'))).toMatchObject({ complete: true });
  });

  it('are asked of the database by everybody while that is away', async () => {
    kept.one = undefined;
    const failing = new Failure('DATABASE_UNAVAILABLE', { reason: 'gone' });
    const held = () => Promise.reject(failing);
    const away = new HookSecrets({ held } as unknown as SecretsRepository, {} as SecretsService);
    await expect(away.use(plateOf('one'), () => undefined)).rejects.toThrow(failing);
  });
});
