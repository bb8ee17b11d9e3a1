// What every secret manager must do, whoever keeps the key or the value: run for each of them against a server of its own.
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Envelope } from '../../src/envelope/envelope.js';
import type { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import { type SecretManager, type SecretPlace, StoredSecret } from '../../src/envelope/secret-manager.js';
import type { Disposition, ErrorCode } from '../../src/kernel/errors.js';
import { failureFrom } from '../unit/support/refusals.js';
import { describeMoves } from './moved-ciphertext.conformance.js';

/** What a server can be made to do from now on, until the next call of `heal`. */
export type Fault =
  | 'denied'
  | 'not-signed-in'
  | 'throttled'
  | 'down'
  | 'silent'
  | 'garbled'
  | 'sealed'
  | 'key-disabled'
  | 'key-gone'
  | 'other-plaintext'
  | 'version-gone'
  | 'not-there';

/** What each fault is reported as. */
const outcomes: Record<Fault, { code: ErrorCode; disposition: Disposition }> = {
  denied: { code: 'SECRET_MANAGER_DENIED', disposition: 'stop' },
  'not-signed-in': { code: 'SECRET_MANAGER_SIGN_IN_REFUSED', disposition: 'stop' },
  throttled: { code: 'SECRET_MANAGER_THROTTLED', disposition: 'retry' },
  down: { code: 'SECRET_MANAGER_UNAVAILABLE', disposition: 'retry' },
  silent: { code: 'SECRET_MANAGER_UNAVAILABLE', disposition: 'retry' },
  garbled: { code: 'SECRET_MANAGER_GARBLED', disposition: 'stop' },
  sealed: { code: 'SECRET_MANAGER_SEALED', disposition: 'wait' },
  'key-disabled': { code: 'SECRET_KEY_DISABLED', disposition: 'stop' },
  'key-gone': { code: 'SECRET_KEY_GONE', disposition: 'stop' },
  'other-plaintext': { code: 'SECRET_UNREADABLE', disposition: 'stop' },
  'version-gone': { code: 'SECRET_VERSION_GONE', disposition: 'stop' },
  'not-there': { code: 'SECRET_NOT_IN_STORE', disposition: 'stop' },
};

export interface Subject {
  /** The same secret manager as another process would make it: nothing of an earlier one is in its memory. */
  make: () => SecretManager;
  /** Everything that is stored at the other side, in any form that changes when it does; undefined where nothing can. */
  state?: () => string;
  /** Makes the server do so. */
  suffer: (fault: Fault) => void;
  heal: () => void;
  close: () => Promise<void>;
}

const place: SecretPlace = { scope: 'accounts/acme/orgs/shop', secret: 'git-token' };

/** What a subject outside must call itself. */
export const keeper = { manager: 'unit', scope: 'accounts/acme' };

export function describeSecretManager(
  name: string,
  keeps: 'ciphertext' | 'value',
  start: () => Promise<Subject>,
  faults: readonly Fault[] = [],
  /** Where it cannot keep 64 KiB: the longest value of any bytes that it can. */
  valueBytesMax = 64 * 1024,
): void {
  describe(name, () => {
    let subject: Subject;
    let manager: SecretManager;
    beforeAll(async () => {
      subject = await start();
      manager = subject.make();
    });
    afterAll(async () => {
      await manager?.close();
      await subject?.close();
    });

    const openText = async (stored: StoredSecret, where = place): Promise<string> => {
      const other = subject.make();
      const secret = await other.open(stored, where);
      await other.close();
      const text = secret.use((bytes) => bytes.toString('latin1'));
      secret.wipe();
      return text;
    };

    describe('what it takes into its keeping', () => {
      it.each([
        ['a text', Buffer.from('correct-horse')],
        ['one byte', Buffer.from([0])],
        ['bytes that are no text', Buffer.from([0xff, 0x00, 0xfe, 0x0a, 0x80, 0xc3])],
        ['line ends and quotes', Buffer.from('a"b\\c\r\n\u2028\n')],
        ['a JSON object', Buffer.from('{"user":"a","password":"b"}')],
        ['the longest there may be', randomBytes(valueBytesMax)],
      ])('is opened as it was by another process: %s', async (_, value) => {
        const stored = await manager.put(value, place);
        expect(await openText(JSON.parse(JSON.stringify(stored)) as StoredSecret)).toBe(
          value.toString('latin1'),
        );
      });

      it('is of the form that PostgreSQL keeps, with the version that was asked for', async () => {
        const version = randomUUID();
        const stored = await manager.put(Buffer.from('value'), place, { version });
        expect(StoredSecret.parse(stored)).toEqual(stored);
        expect(stored.version).toBe(version);
        expect(Envelope.safeParse(stored).success).toBe(keeps === 'ciphertext');
      });

      it('has versions that stay as they were when a later one is put', async () => {
        const [first, second] = [
          await manager.put(Buffer.from('first'), place),
          await manager.put(Buffer.from('second'), place),
        ];
        expect(first.version).not.toBe(second.version);
        expect([await openText(first), await openText(second)]).toEqual(['first', 'second']);
      });

      const again = [
        ['a text', Buffer.from('correct-horse'), false],
        ['no text', Buffer.from([0xff, 0x00, 0x0a]), false],
        ['a text, where nothing may be', Buffer.from('correct-horse'), true],
        ['no text, where nothing may be', Buffer.from([0xff, 0x00, 0x0a]), true],
      ] as const;
      it.each(keeps === 'value' ? again : [])(
        'is one version of the store when the same version is put again: %s',
        async (what, value, onlyIfAbsent) => {
          const [once, options] = [
            { ...place, secret: what },
            { version: randomUUID(), onlyIfAbsent },
          ];
          const first = await manager.put(value, once, options);
          const before = subject.state?.();
          const other = subject.make();
          expect(await other.put(value, once, options)).toEqual(first);
          await other.close();
          expect(subject.state?.()).toBe(before);
          expect(await openText(first, once)).toBe(value.toString('latin1'));
        },
      );

      it.each(keeps === 'value' ? ['value'] : [])(
        'is never put where another %s is and nothing may be',
        async (value) => {
          const taken = { ...place, secret: 'taken' };
          const first = await manager.put(Buffer.from(value), taken, { onlyIfAbsent: true });
          const second = manager.put(Buffer.from('other'), taken, { onlyIfAbsent: true });
          expect((await failureFrom(second)).code).toBe('SECRET_STORE_CONFLICT');
          expect(await openText(first, taken)).toBe(value);
        },
      );

      it('is not in what PostgreSQL keeps, in any form', async () => {
        const stored = JSON.stringify(await manager.put(Buffer.from('correct-horse'), place));
        for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const)
          expect(stored).not.toContain(Buffer.from('correct-horse').toString(form));
      });

      it.each([
        ['nothing', Buffer.alloc(0)],
        ['more than 64 KiB', Buffer.alloc(64 * 1024 + 1)],
      ])('is never %s', async (_, value) => {
        const before = subject.state?.();
        expect((await failureFrom(manager.put(value, place))).code).toBe('INPUT_REFUSED');
        expect(subject.state?.()).toBe(before);
      });

      it('is opened by a try as well, which tells by what, and nothing of the value', async () => {
        const stored = await manager.put(Buffer.from('correct-horse'), place);
        const other = subject.make();
        const found = await other.tryOpening(stored, place);
        const latest = { ...stored, storeVersion: null };
        const ofLatest = 'path' in stored ? await other.tryOpening(latest as StoredSecret, place) : found;
        await other.close();
        const expected =
          'path' in stored
            ? { keyId: null, storeVersion: stored.storeVersion }
            : { keyId: stored.keyId, storeVersion: null };
        expect([found, ofLatest]).toEqual([expected, expected]);
      });

      it('leaves the caller’s bytes alone', async () => {
        const value = Buffer.from('correct-horse');
        await manager.put(value, place);
        expect(value.toString()).toBe('correct-horse');
      });
    });

    describe('its check', () => {
      it('passes, and changes nothing at the other side', async () => {
        const before = subject.state?.();
        await manager.check();
        expect(subject.state?.()).toBe(before);
      });
    });

    if (keeps === 'ciphertext') describeMoves(() => manager as EnvelopeManager, place);

    describe.each(faults.map((fault) => ({ fault, ...outcomes[fault] })))(
      'when it is $fault',
      ({ fault, code, disposition }) => {
        it('says so, names itself, shows nothing of the secret, and goes on when it has passed', async () => {
          const stored = await manager.put(Buffer.from('correct-horse'), place);
          subject.suffer(fault);
          const other = subject.make();
          const failure = await failureFrom(other.open(stored, place));
          const tried = await failureFrom(other.tryOpening(stored, place)).finally(() => subject.heal());
          await other.close();
          expect(tried.code).toBe(code);
          expect(failure).toMatchObject({ code, disposition });
          const named = code === 'SECRET_UNREADABLE' ? { secret: place.secret } : keeper;
          expect(failure.data).toMatchObject(named);
          expect(`${failure.message} ${JSON.stringify(failure.toWire())}`).not.toContain('correct-horse');
          expect(await openText(stored)).toBe('correct-horse');
        });
      },
    );

    const silence = faults.filter((fault) => fault === 'silent');
    it.each(silence)('when it is %s, ends at once when it is cancelled', async () => {
      const stored = await manager.put(Buffer.from('value'), place);
      subject.suffer('silent');
      const cancel = new AbortController();
      const other = subject.make();
      const opening = failureFrom(other.open(stored, place, cancel.signal));
      cancel.abort();
      const failure = await opening.finally(() => subject.heal());
      await other.close();
      expect(failure.code).toBe('SECRET_MANAGER_UNAVAILABLE');
    });
  });
}
