import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Purpose } from '../../../src/contract/audit.js';
import type { CarriedManager } from '../../../src/contract/secret-managers.js';
import { Failure } from '../../../src/kernel/failure.js';
import { Secret } from '../../../src/kernel/secret.js';
import { AuditFile } from '../../../workers/runtime/audit-file.js';
import { auditSubject, SecretAudit, wipe } from '../../../workers/runtime/secret-audit.js';
import { failureFrom } from '../support/refusals.js';

let folder = '';
let file: AuditFile;
let audit: SecretAudit;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-record-'));
  file = new AuditFile(folder);
  audit = new SecretAudit(file);
});
afterEach(async () => {
  await file.close();
  fs.rmSync(folder, { recursive: true });
});

const purpose: Purpose = { kind: 'save', subject: 's', operations: ['o'], actors: ['admin'] };
const task = { id: 't', name: 'git.commit', purpose };
const version = '8c0e8a2c-14e4-4b4f-9d6b-0c54e0c5a111';
const reference = {
  format: 'sallyport-reference-1' as const,
  version,
  path: 'a',
  field: null,
  storeVersion: '3',
};
const keeper = {
  scope: 'accounts/a',
  id: 'kv',
  settings: { kind: 'keyring' } as CarriedManager['settings'],
};
const subject = auditSubject({ scope: 'accounts/a/orgs/o', secret: 's' }, reference, keeper);
const refused = new Failure('SECRET_UNREADABLE', { secret: 's', reason: 'it was changed' });
const recorded = async () => (await audit.tell({ log: null, after: 0, max: 10 })).records;
/** From now on nothing can be written. */
const spoil = (): void => {
  fs.rmSync(path.join(folder, 'audit.log'), { force: true });
  fs.mkdirSync(path.join(folder, 'audit.log'));
};

describe('a secret', () => {
  it('is handed out once it is on record which it is, and for what', async () => {
    const opened = await audit.open(subject, task, { open: async () => new Secret(Buffer.from('x')), wipe });
    expect(opened.use(String)).toBe('x');
    expect(await recorded()).toMatchObject([
      {
        sequence: 1,
        task: 't',
        taskName: 'git.commit',
        scope: 'accounts/a/orgs/o',
        secret: 's',
        version,
        keyId: null,
        storeVersion: '3',
        managerScope: 'accounts/a',
        manager: 'kv',
        purpose,
        outcome: 'opened',
        code: null,
      },
    ]);
  });

  it('that cannot be opened is on record with its code', async () => {
    const open = () => Promise.reject(refused);
    expect(await failureFrom(audit.open(subject, task, { open, wipe }))).toBe(refused);
    expect(await recorded()).toMatchObject([{ outcome: 'refused', code: 'SECRET_UNREADABLE' }]);
  });

  it('is not asked for where nothing can be put on record', async () => {
    spoil();
    let asked = 0;
    const open = async () => new Secret(Buffer.from(String(++asked)));
    expect((await failureFrom(audit.open(subject, task, { open, wipe }))).code).toBe(
      'SECRET_AUDIT_UNWRITABLE',
    );
    expect(asked).toBe(0);
  });

  it('is wiped where it turns out late that it cannot be put on record', async () => {
    const secret = new Secret(Buffer.from('plain'));
    const open = async () => {
      spoil();
      return secret;
    };
    expect((await failureFrom(audit.open(subject, task, { open, wipe }))).code).toBe(
      'SECRET_AUDIT_UNWRITABLE',
    );
    expect(secret.use((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });
});

describe('work that opens and uses a secret in one', () => {
  it('begins once it is on record', async () => {
    const seen = await audit.announce(subject, task, recorded);
    expect(seen).toMatchObject([{ outcome: 'opened', secret: 's' }]);
    expect(await recorded()).toHaveLength(1);
  });

  it('that fails is on record once more', async () => {
    expect(await failureFrom(audit.announce(subject, task, () => Promise.reject(refused)))).toBe(refused);
    expect(await recorded()).toMatchObject([
      { outcome: 'opened', code: null },
      { outcome: 'refused', code: 'SECRET_UNREADABLE' },
    ]);
  });

  it('does not begin where it cannot be put on record', async () => {
    spoil();
    let begun = false;
    const work = async (): Promise<void> => void (begun = true);
    expect((await failureFrom(audit.announce(subject, task, work))).code).toBe('SECRET_AUDIT_UNWRITABLE');
    expect(begun).toBe(false);
  });
});
