import { expect, it } from 'vitest';
import type { HookEvent, RefChange } from '../../../src/providers/webhook.js';
import { keptEvent } from '../../../src/webhooks/kept-event.js';

const repo = { hostRepoId: '7', cloneUrls: ['https://git.example/r.git'] };
const change = (name: string): RefChange => ({
  ref: `refs/heads/${name}`,
  type: 'branch',
  before: null,
  after: 'a'.repeat(40),
  forced: null,
});
const refs = (...changes: RefChange[]): HookEvent => ({ kind: 'refs', repo, changes });

it.each<HookEvent>([
  { kind: 'ping', repo },
  { kind: 'ignored', repo, why: 'x'.repeat(300) },
  { kind: 'pull', repo, number: 1, state: 'open', head: 'h', base: 'b' },
  { kind: 'refs', repo, changes: 'unknown' },
  refs(change('main')),
  refs(...Array.from({ length: 200 }, (_, at) => change(`${at}`))),
])('an event is kept as it is: %#', (event) => {
  expect(keptEvent(event)).toBe(event);
});

it.each([
  ['very many refs', Array.from({ length: 5_000 }, (_, at) => change(`${at}`))],
  ['some of very long names', Array.from({ length: 100 }, (_, at) => change(`${at}${'x'.repeat(1_000)}`))],
])('of %s is kept that something moved, and where', (_what, changes) => {
  expect(keptEvent(refs(...changes))).toEqual({ kind: 'refs', repo, changes: 'unknown' });
});
