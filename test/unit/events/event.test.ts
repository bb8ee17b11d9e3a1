import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCloudEvent } from '../../../src/events/cloud-event.js';
import { type EventFilter, eventTypes, isWanted, type StoredEvent } from '../../../src/events/event.js';
import {
  comparePositions,
  type Position,
  readEventCursor,
  START,
  toEventCursor,
} from '../../../src/events/position.js';

const event: StoredEvent = {
  position: { transaction: '770', sequence: 12 },
  id: '5a1d1f0e-3c7a-4b0e-9a53-1f1f2b9f6a10',
  account: 'accounts/acme',
  scope: 'accounts/acme/orgs/web',
  type: 'entity.created',
  subject: 'entities/pipeline/build',
  data: { kind: 'pipeline', id: 'build', branch: 'main' },
  createdAt: new Date('2026-11-26T10:00:00Z'),
};

describe('what a filter wants', () => {
  const all: EventFilter = { scope: 'accounts/acme' };
  it.each<[string, EventFilter, boolean]>([
    ['all of the account', all, true],
    ['the scope itself', { scope: 'accounts/acme/orgs/web' }, true],
    ['a scope further in', { scope: 'accounts/acme/orgs/web/projects/p' }, false],
    ['a scope whose name begins alike', { scope: 'accounts/acme/orgs/we' }, false],
    ['another account', { scope: 'accounts/acm' }, false],
    ['its type', { ...all, types: ['entity.created'] }, true],
    ['another type', { ...all, types: ['entity.changed', 'operation.*'] }, false],
    ['its group', { ...all, types: ['operation.failed', 'entity.*'] }, true],
    ['no type at all', { ...all, types: [] }, false],
    ['its kind', { ...all, kinds: ['service', 'pipeline'] }, true],
    ['another kind', { ...all, kinds: ['service'] }, false],
    ['its branch', { ...all, branches: ['main'] }, true],
    ['another branch', { ...all, branches: ['mai'] }, false],
    ['its kind on another branch', { ...all, kinds: ['pipeline'], branches: ['dev'] }, false],
  ])('%s', (_what, filter, wanted) => {
    expect(isWanted(event, filter)).toBe(wanted);
  });

  it('with a kind is nothing without a kind, and with a branch nothing without one', () => {
    const enrolled = { ...event, type: 'delegate.enrolled', data: { id: 'd1' } };
    expect(isWanted(enrolled, all)).toBe(true);
    expect(isWanted(enrolled, { ...all, kinds: ['pipeline'] })).toBe(false);
    expect(isWanted({ ...enrolled, data: { kind: ['pipeline'] } }, { ...all, kinds: ['pipeline'] })).toBe(
      false,
    );
    expect(isWanted(enrolled, { ...all, branches: ['main'] })).toBe(false);
  });
});

describe('an event as it is sent', () => {
  it('is a CloudEvent that says where it stands', () => {
    expect(toCloudEvent(event)).toEqual({
      specversion: '1.0',
      id: event.id,
      source: '/api/v1/accounts/acme/orgs/web',
      type: 'sallyport.entity.created',
      subject: 'entities/pipeline/build',
      time: '2026-11-26T10:00:00.000Z',
      datacontenttype: 'application/json',
      cursor: toEventCursor(event.position),
      data: event.data,
    });
  });

  it('has a type that CloudEvents and a line of a stream take', () => {
    expect(eventTypes.filter((type) => !/^[a-z-]+\.[a-z]+$/.test(type))).toEqual([]);
    expect(new Set(eventTypes).size).toBe(eventTypes.length);
  });
});

const positions = fc.record({
  transaction: fc.bigInt(0n, 2n ** 64n - 1n).map(String),
  sequence: fc.nat(Number.MAX_SAFE_INTEGER),
});

describe('a position', () => {
  it('comes back from its cursor', () => {
    fc.assert(
      fc.property(positions, (position) => {
        expect(readEventCursor(toEventCursor(position))).toEqual(position);
      }),
    );
  });

  it('is ordered by transaction, and then by sequence number, whatever their lengths', () => {
    const sorted: Position[] = [
      START,
      { transaction: '0', sequence: 3 },
      { transaction: '9', sequence: 100 },
      { transaction: '10', sequence: 0 },
      { transaction: '10', sequence: 2 },
      { transaction: '18446744073709551615', sequence: 1 },
    ];
    expect(sorted.toReversed().toSorted(comparePositions)).toEqual(sorted);
    expect(comparePositions({ transaction: '10', sequence: 2 }, { transaction: '10', sequence: 2 })).toBe(0);
  });

  const cursor = (text: string): string => Buffer.from(text).toString('base64url');
  it.each([
    '',
    'start',
    cursor(''),
    cursor('1'),
    cursor('1.'),
    cursor('.1'),
    cursor('-1.1'),
    cursor('1.1.1'),
    cursor('1e3.1'),
    cursor(' 1.1'),
    cursor('01.1'.padEnd(60, '1')),
    cursor('18446744073709551616.1'),
    cursor('1.9999999999999999'),
    `${cursor('1.1')}=`,
    `${cursor('1.1')}\n`,
  ])('is not read from %j', (text) => {
    expect(readEventCursor(text)).toBeUndefined();
  });

  it('is read from no other text, and no text breaks it', () => {
    const check = fc.check(
      fc.property(fc.string(), (text) => {
        const position = readEventCursor(text);
        return position === undefined || toEventCursor(position) === text;
      }),
    );
    expect(check.failed).toBe(false);
  });
});
