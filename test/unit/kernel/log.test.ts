import fs from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../../src/kernel/failure.js';
import { createLog, type Log } from '../../../src/kernel/log.js';
import { registerSecret } from '../../../src/kernel/redact.js';
import { Secret } from '../../../src/kernel/secret.js';

const value = 'correct-horse-battery';
let lines: string[] = [];
let forget: () => void = () => undefined;

beforeEach(() => {
  lines = [];
  forget = registerSecret(value);
  // What the process writes on standard error, instead of writing it.
  vi.spyOn(fs, 'writeSync').mockImplementation((file, text) => {
    lines.push(file === 2 ? String(text) : `not on standard error: ${String(text)}`);
    return Buffer.byteLength(String(text));
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  forget();
});

interface Line {
  level: string;
  time: string;
  process: string;
  msg?: string;
  err?: Told;
  [name: string]: unknown;
}

interface Told {
  code?: string;
  data?: unknown;
  delegate?: string;
  message: string;
  stack?: string;
  cause?: Told;
}

/** The one line that this wrote. */
function lineOf(write: (log: Log) => void, level = 'info'): Line {
  write(createLog('manager', level));
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Line;
}

describe('a line', () => {
  it('is one JSON object with level, time and process', () => {
    const line = lineOf((log) => log.warn({ lane: 'l-1', n: 5 }, 'push not done'));
    expect(line).toMatchObject({
      level: 'warn',
      process: 'manager',
      lane: 'l-1',
      n: 5,
      msg: 'push not done',
    });
    expect(new Date(line.time).toISOString()).toBe(line.time);
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
  });

  it('stays one line whatever is in it', () => {
    const line = lineOf((log) => log.info({ text: 'a\nb\u2028c' }, 'd\r\ne'));
    expect(line).toMatchObject({ text: 'a\nb\u2028c', msg: 'd\r\ne' });
  });

  it('is not written below the level that was asked for', () => {
    const log = createLog('manager', 'warn');
    log.debug('a');
    log.info('b');
    expect(lines).toEqual([]);
    log.error('c');
    expect(lines).toHaveLength(1);
  });
});

describe('a registered secret is in no line', () => {
  const failure = () =>
    new Failure('INTERNAL', { reference: value }, { cause: new Error(`inner ${value}`) }) as Failure;
  it.each<[string, (log: Log) => void]>([
    ['as the message', (log) => log.info(`it is ${value}`)],
    ['as a parameter of the message', (log) => log.info('it is %s', value)],
    ['in an object as a parameter', (log) => log.info('it is %o and %j', { a: value }, [value])],
    ['as a field', (log) => log.info({ field: value }, 'x')],
    ['deep in a field', (log) => log.info({ field: [{ deep: [value] }] }, 'x')],
    ['as the name of a field', (log) => log.info({ [value]: 1 }, 'x')],
    ['in an error', (log) => log.error({ err: new Error(`bad ${value}`) }, 'x')],
    ['in an error without a message', (log) => log.error(new Error(`bad ${value}`))],
    ['in an error with a message', (log) => log.error(new Error(`bad ${value}`), 'x %s', value)],
    [
      'in the cause of an error',
      (log) => log.error({ err: new Error('x', { cause: new Error(value) }) }, 'x'),
    ],
    ['in a failure and its cause', (log) => log.error({ err: failure() }, 'x')],
    ['in a failure as it is', (log) => log.error(failure())],
    ['in a thrown text', (log) => log.error({ err: `thrown ${value}` }, 'x')],
    ['in a thrown object', (log) => log.error({ err: { reason: value } }, 'x')],
    ['in base64', (log) => log.info({ body: Buffer.from(value).toString('base64') }, 'x')],
    ['in a Secret', (log) => log.info({ secret: new Secret(Buffer.from(value)) }, 'x')],
  ])('%s', (_, write) => {
    lineOf(write);
    expect(lines[0]).not.toContain(value);
    expect(lines[0]).not.toContain(Buffer.from(value).toString('base64'));
  });

  it('wherever generated values hold it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), fc.string(), (json, before, after) => {
        const text = before + value + after;
        createLog('manager', 'info').info({ given: [json, text, { [text]: json }] }, text);
        expect(lines.join('')).toContain('given');
        expect(lines.join('')).not.toContain(value);
      }),
    );
  });

  it.each([
    ['user-info', { url: 'https://me:pw@host/' }],
    ['a header', { headers: { authorization: 'Bearer pw' } }],
    ['a token parameter', { path: '/a?token=pw' }],
  ])('and neither is %s, registered or not', (_, fields) => {
    lineOf((log) => log.info(fields, 'x'));
    expect(lines[0]).not.toContain('pw');
  });
});

describe('an error', () => {
  it('is told with message and stack, its causes after it', () => {
    const error = new TypeError('outer', { cause: new Error('middle', { cause: 'the root of it' }) });
    const { err } = lineOf((log) => log.error({ err: error, lane: 'l-1' }, 'lane stopped'));
    expect(err?.message).toBe('outer');
    expect(err?.stack).toContain('TypeError: outer');
    expect(err?.stack).toContain('log.test');
    expect(err?.cause?.message).toBe('middle');
    expect(err?.cause?.cause).toBe('the root of it');
  });

  it('that is a failure is told by code and data, with the delegate that met it', () => {
    const failure = new Failure('GIT_TIMEOUT', { host: 'h', seconds: 5 }, { cause: new Error('socket') });
    failure.delegate = 'eu-1';
    const { err } = lineOf((log) => log.warn({ err: failure }, 'push not done'));
    expect(err).toMatchObject({
      code: 'GIT_TIMEOUT',
      data: { host: 'h', seconds: 5 },
      delegate: 'eu-1',
      message: 'h did not finish within 5 s',
      cause: { message: 'socket' },
    });
  });

  it('gives its message to the line where there is none', () => {
    expect(lineOf((log) => log.error(new Error('no words'))).msg).toBe('no words');
  });

  it('whose causes go in a circle comes to an end', () => {
    const [one, other] = [new Error('one'), new Error('other')];
    [one.cause, other.cause] = [other, one];
    const { err } = lineOf((log) => log.error({ err: one }, 'x'));
    expect(err?.cause?.message).toBe('other');
    expect(lines[0]?.length).toBeLessThan(100_000);
  });

  it.each([undefined, null, 'text', 5])('that is none (%s) is told as it is', (thrown) => {
    const line = lineOf((log) => log.error({ err: thrown }, 'x'));
    expect(line.err).toEqual(thrown);
    expect(line.msg).toBe('x');
  });
});
