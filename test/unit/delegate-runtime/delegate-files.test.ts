import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPair } from '../../../src/sealing/hpke.js';
import { Identity } from '../../../src/sealing/identity.js';
import {
  type IdentityFile,
  makeKeys,
  readDelegateFile,
  writeDelegateFile,
} from '../../../workers/runtime/delegate-files.js';
import { failureOf } from '../support/refusals.js';

let folder = '';
let file = '';
let content: IdentityFile;

beforeEach(async () => {
  folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-files-')), 'data');
  file = path.join(folder, 'identity.json');
  content = { format: 'sallyport-identity-1', ...(await makeKeys()) };
});
afterEach(() => {
  fs.rmSync(path.dirname(folder), { recursive: true, force: true });
});

/** Why the file is not used. Nothing of its keys may be told. */
function refusalOf(run: () => unknown): string {
  const failure = failureOf(run);
  expect(failure).toMatchObject({ code: 'KEY_FILE_UNUSABLE', data: { file } });
  const told = JSON.stringify([failure.message, failure.data, String(failure.cause)]);
  for (const key of [content.identity, content.sealing.privateKey]) expect(told).not.toContain(key);
  return (failure.data as { reason: string }).reason;
}
const read = () => readDelegateFile(folder, 'identity.json');
const write = () => writeDelegateFile(folder, 'identity.json', content);
const put = (text: string): void => fs.writeFileSync(file, text, { mode: 0o600 });

describe('keys that are made', () => {
  it('are an identity and a sealing pair, others every time', async () => {
    expect(new Identity(content.identity).publicKey).toHaveLength(43);
    expect(isPair(content.sealing)).toBe(true);
    const others = await makeKeys();
    expect(others.identity).not.toBe(content.identity);
    expect(others.sealing.privateKey).not.toBe(content.sealing.privateKey);
  });
});

describe('a file of the delegate', () => {
  it('that is not there is nothing, and neither is its folder', () => {
    expect(read()).toBeUndefined();
    expect(fs.existsSync(folder)).toBe(false);
  });

  it('is read as it was written, is its owner’s alone, and leaves no other file', () => {
    write();
    expect(read()).toEqual(content);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder)).toEqual(['identity.json']);
  });

  it('replaces the one before, whatever its mode', () => {
    write();
    fs.chmodSync(file, 0o644);
    write();
    expect(read()).toEqual(content);
  });

  it('is written where a process of the same id died over it, for its owner alone', () => {
    fs.mkdirSync(folder);
    const left = `${file}.${process.pid}`;
    fs.writeFileSync(left, 'half', { mode: 0o644 });
    write();
    expect(read()).toEqual(content);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder)).toEqual(['identity.json']);
  });

  it('does not follow a link that somebody put in its way', () => {
    fs.mkdirSync(folder);
    const elsewhere = path.join(path.dirname(folder), 'elsewhere');
    fs.symlinkSync(elsewhere, `${file}.${process.pid}`);
    write();
    expect(fs.existsSync(elsewhere)).toBe(false);
    expect(read()).toEqual(content);
  });

  it.each([0o640, 0o604, 0o660, 0o666, 0o644, 0o610])('with mode %o is refused', (mode) => {
    write();
    fs.chmodSync(file, mode);
    expect(refusalOf(read)).toBe(`its mode is ${mode.toString(8)}, not 600`);
  });

  it('that is a folder or a link is refused', () => {
    fs.mkdirSync(file, { recursive: true });
    expect(refusalOf(read)).toBe('it is not a regular file');
    fs.rmdirSync(file);
    fs.writeFileSync(`${file}.real`, JSON.stringify(content), { mode: 0o600 });
    fs.symlinkSync(`${file}.real`, file);
    expect(refusalOf(read)).toBe('it is not a regular file');
  });

  it.skipIf(process.getuid?.() !== 0)('that belongs to another user is refused', () => {
    write();
    fs.chownSync(file, 65_534, 65_534);
    expect(refusalOf(read)).toBe('it belongs to another user');
  });

  it('below what is no folder is neither read nor written', () => {
    fs.writeFileSync(folder, '');
    expect(refusalOf(read)).toMatch(/^it cannot be looked at: ENOTDIR/);
    expect(refusalOf(write)).toMatch(/^it cannot be written: /);
  });

  const cases: [string, (whole: IdentityFile) => unknown][] = [
    ['nothing', () => ''],
    ['half of itself', (whole) => JSON.stringify(whole).slice(0, 200)],
    ['null', () => null],
    ['a list', (whole) => [whole]],
    ['another format', (whole) => ({ ...whole, format: 'sallyport-identity-2' })],
    ['a field more', (whole) => ({ ...whole, more: 1 })],
    ['no sealing keys', ({ format, identity }) => ({ format, identity })],
    ['a short key', (whole) => ({ ...whole, identity: whole.identity.slice(1) })],
    ['a key with another type', (whole) => ({ ...whole, identity: [whole.identity] })],
    ['a key that is no base64url', (whole) => ({ ...whole, identity: `${whole.identity.slice(0, -1)}+` })],
  ];
  it.each(cases)('with %s in it is refused', (_, alter) => {
    write();
    const altered = alter(content);
    put(typeof altered === 'string' ? altered : JSON.stringify(altered));
    expect(refusalOf(read)).toBe('it is not what this version of the delegate writes');
  });
});
