// What commits say of themselves, also such as nobody should have written.
import { describe, expect, it } from 'vitest';
import { readCommit, readCommitDate } from '../../../src/git/commit-text.js';
import { MalformedObject } from '../../../src/git/objects.js';

const ID = '0123456789'.repeat(4);
const commit = (lines: string[], message = 'Words\n'): Buffer =>
  Buffer.from(`tree ${ID}\n${lines.map((line) => `${line}\n`).join('')}\n${message}`);
const who = ['author Ada <ada@a.example> 10 +0100', 'committer Bob <bob@b.example> 20 -0000'];

describe('a commit', () => {
  it('says who wrote it and when, and who put it there', () => {
    expect(
      readCommit(commit([`parent ${ID}`, ...who, 'gpgsig -----BEGIN', ' author X <x> 1 +0000'])),
    ).toEqual({
      tree: ID,
      parents: [ID],
      author: { name: 'Ada', email: 'ada@a.example', at: 10 },
      committer: { name: 'Bob', email: 'bob@b.example', at: 20 },
      message: 'Words\n',
      isMessageCut: false,
      operation: null,
    });
    expect(readCommitDate(commit(who))).toBe(20);
  });

  it.each([
    ['author', { name: '', email: '', at: 0 }],
    ['author Ada', { name: 'Ada', email: '', at: 0 }],
    ['author <>', { name: '', email: '', at: 0 }],
    ['author Ada <ada', { name: 'Ada <ada', email: '', at: 0 }],
    ['author >Ada< 7', { name: '>Ada< 7', email: '', at: 0 }],
    ['author Ada <a> -7 +0000', { name: 'Ada', email: 'a', at: 0 }],
    [`author Ada <a> ${'9'.repeat(40)} +0000`, { name: 'Ada', email: 'a', at: 0 }],
    [`author ${'x'.repeat(500)} <a> 1`, { name: 'x'.repeat(256), email: 'a', at: 1 }],
    ['author A\0B <a> 1', { name: 'A\ufffdB', email: 'a', at: 1 }],
  ])('of the line %j says what can be read', (line, author) => {
    expect(readCommit(commit([line])).author).toEqual(author);
  });

  it('without a message, or without an end of its header, has none', () => {
    expect(readCommit(Buffer.from(`tree ${ID}\n${who.join('\n')}\n`)).message).toBe('');
    expect(readCommit(commit(who, '')).message).toBe('');
  });

  it.each([
    ['ISO-8859-1', Buffer.from('Gr\xfc\xdfe', 'latin1'), 'Grüße'],
    ['windows-1251', Buffer.from([0xcf, 0xf0]), 'Пр'],
    ['no-such-encoding', Buffer.from('Grüße'), 'Grüße'],
    ['UTF-8', Buffer.from([0x47, 0xff]), 'G\ufffd'],
  ])('in %s is read as far as it can be', (encoding, bytes, message) => {
    const content = Buffer.concat([commit([...who, `encoding ${encoding}`], ''), bytes]);
    expect(readCommit(content).message).toBe(message);
  });

  it('with a long message is cut between characters', () => {
    const { message, isMessageCut } = readCommit(commit(who, `${'x'.repeat(4_095)}😀`));
    expect([message, isMessageCut]).toEqual(['x'.repeat(4_095), true]);
  });

  const operation = '01234567-89ab-4def-8123-456789abcdef';
  it.each([
    [`Words\n\nSallyport-Operation: ${operation}\n`, operation],
    [`Sallyport-Operation: ${ID.slice(0, 36)}\n`, null],
    [`x\n\nSallyport-Operation: ${operation}\nSallyport-Moved-From: main:a@b\n`, operation],
    [`${'x'.repeat(100_000)}\n\nSallyport-Operation: ${operation}\n`, operation],
    [`Sallyport-Operation: ${operation} and more\n`, null],
  ])('names its operation by the trailer alone', (message, expected) => {
    expect(readCommit(commit(who, message)).operation).toBe(expected);
  });

  it('that does not begin with its tree is none', () => {
    expect(() => readCommit(Buffer.from('author x'))).toThrow(MalformedObject);
    expect(() => readCommitDate(Buffer.from('author x'))).toThrow(MalformedObject);
  });
});
