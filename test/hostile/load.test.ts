// What a hostile or just large answer costs the process that reads it: its event loop must go on turning, and its memory stay
// within bounds. The reader is a process of its own, of the compiled program.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { EngineOptions } from '../../src/git/in-process-git.js';
import { encodePacket, FLUSH } from '../../src/git/pkt-line.js';
import {
  band,
  bodyOf,
  MadeRepository,
  packAnswer,
  packetsOf,
  type Wrong,
} from '../support/made-repository.js';
import { ScriptedHost, withoutEnd } from '../support/scripted-host.js';
import {
  copy,
  deltaOf,
  type Entry,
  encodeEntry,
  insert,
  onOffset,
  packOf,
  types,
} from '../unit/support/packs.js';

const READER = fileURLToPath(new URL('../support/measured-git.mjs', import.meta.url));
const STOOD_STILL_MS_MAX = 50;
/** Work that holds the loop does so each time; what a shared machine adds does not come three times. */
const RUNS_MAX = 3;
const GROWN_MIB_MAX = 160;

interface Cost {
  /** A number of things found, or a code. */
  outcome: number | string | null;
  ms: number;
  stoodStillMs: number;
  grownMiB: number;
}

interface Load {
  repository?: MadeRepository;
  wrong?: Wrong;
  operation: 'head' | 'heads' | 'list' | 'read' | 'commit';
  argument?: string;
  options?: Partial<EngineOptions>;
}

async function measure(load: Load): Promise<Cost> {
  const { repository = made, wrong = {}, operation, argument = head, options = {} } = load;
  const host = await ScriptedHost.open(repository.script(wrong));
  const args = [host.url(), operation, argument, JSON.stringify({ deadlineMs: 30_000, ...options })];
  const child = spawn(process.execPath, ['--expose-gc', READER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 50_000,
  });
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  await new Promise((resolve) => child.once('close', resolve));
  await host.close();
  return JSON.parse(output) as Cost;
}

async function least(load: Load): Promise<Cost> {
  let cost = await measure(load);
  for (let run = 1; run < RUNS_MAX && cost.stoodStillMs >= STOOD_STILL_MS_MAX; run++) {
    const again = await measure(load);
    if (again.stoodStillMs < cost.stoodStillMs) cost = again;
  }
  return cost;
}

const made = new MadeRepository();
const tree = made.tree([['100644', 'a.yaml', made.put('blob', 'a: 1\n')]]);
const head = made.commit(tree);

/** So many lines as packets, a thousand at a time. */
async function* lines(first: Buffer, count: number, line: (n: number) => string): AsyncGenerator<Buffer> {
  yield first;
  for (let at = 0; at < count; at += 1_000)
    yield packetsOf(Array.from({ length: Math.min(1_000, count - at) }, (_, n) => line(at + n)));
  yield FLUSH;
}

const branch = (n: number): string => `${head} refs/heads/branch-${n}`;
const references = (count: number): Wrong => ({
  refs: (right) => ({ ...right, body: lines(Buffer.alloc(0), count, branch) }),
});
const fetching = (entries: Entry[]): Wrong => ({
  fetch: () => packAnswer(packOf([...entries, made.entry(head), made.entry(tree)])),
});

/** Two hundred trees of as many megabytes out of less than one. */
function wideDeltas(): Entry[] {
  const entries: Entry[] = [{ type: types.tree, content: Buffer.alloc(65_536, 'tree') }];
  let distance = encodeEntry(entries[0] as Entry).length;
  for (let n = 0; n < 200; n++) {
    const delta = deltaOf(65_536, [...Array<Buffer>(32).fill(copy(0, 65_535)), insert(String(n))]);
    entries.push(onOffset(distance, delta));
    distance += encodeEntry(entries.at(-1) as Entry).length;
  }
  return entries;
}

/** Ten directories in each of ten, ten deep, in ten trees. */
function nested(): Load {
  const repository = new MadeRepository();
  let inner = repository.tree([['100644', 'f', repository.put('blob', 'x')]]);
  for (let level = 0; level < 10; level++)
    inner = repository.tree(Array.from({ length: 10 }, (_, n) => ['40000', `d${n}`, inner]));
  return { repository, operation: 'list', argument: repository.commit(inner) };
}

function wideTree(count: number): Load {
  const repository = new MadeRepository();
  const blob = repository.put('blob', 'x');
  const names = Array.from({ length: count }, (_, n) => `file-${String(n).padStart(7, '0')}.yaml`);
  const root = repository.tree(names.map((name) => ['100644', name, blob]));
  return { repository, operation: 'list', argument: repository.commit(root) };
}

const save = (load: Load, count: number, bytes: number): Load => ({
  ...load,
  operation: 'commit',
  argument: `${load.argument} ${count} ${bytes}`,
});

function hugeCommit(header: string): Load {
  const repository = new MadeRepository();
  const root = repository.tree([['100644', 'a.yaml', repository.put('blob', 'x')]]);
  const who = 'A <a@sallyport.invalid> 1 +0000';
  const content = `tree ${root}\n${header}author ${who}\ncommitter ${who}\nx ${'y'.repeat(20_000_000)}\n\nm\n`;
  return { repository, operation: 'list', argument: repository.put('commit', content) };
}

const talk = Buffer.concat(Array<Buffer>(1_000).fill(band(2, 'x'.repeat(60))[0] as Buffer));
const zeros = (type: number): Entry[] => Array<Entry>(30).fill({ type, content: Buffer.alloc(16 * 2 ** 20) });

type Case = [name: string, load: () => Load, outcome: Cost['outcome'], grownMiBMax?: number];

const cases: Case[] = [
  ['a small repository', () => ({ operation: 'list' }), 1],
  ['a hundred thousand branches', () => ({ wrong: references(100_000), operation: 'heads' }), 100_000],
  [
    'a million branches, all wanted',
    () => ({ wrong: references(1_000_000), operation: 'heads' }),
    'GIT_LIMIT_EXCEEDED',
  ],
  [
    'a million branches, one wanted',
    () => ({ wrong: references(1_000_000), operation: 'head', argument: 'main' }),
    'GIT_LIMIT_EXCEEDED',
  ],
  [
    'names as long as packets',
    () => ({
      wrong: {
        refs: (right) => ({
          ...right,
          body: lines(Buffer.alloc(0), 5_000, (n) => branch(n) + 'x'.repeat(60_000)),
        }),
      },
      operation: 'heads',
    }),
    'GIT_LIMIT_EXCEEDED',
  ],
  [
    'capabilities without end',
    () => ({
      wrong: {
        discover: (right) => ({
          ...right,
          body: withoutEnd(bodyOf(right).subarray(0, -4), encodePacket('x=y\n')),
        }),
      },
      operation: 'head',
    }),
    'GIT_ANSWER_INVALID',
  ],
  [
    'talk without end',
    () => ({
      wrong: { fetch: (right) => ({ ...right, body: withoutEnd(encodePacket('packfile\n'), talk) }) },
      operation: 'list',
      options: { limits: { answerBytes: 100_000_000 } },
    }),
    'GIT_LIMIT_EXCEEDED',
  ],
  [
    'files of zeros',
    () => ({
      wrong: fetching(zeros(types.blob)),
      operation: 'list',
      options: { limits: { inflatedBytes: 400_000_000 } },
    }),
    'GIT_LIMIT_EXCEEDED',
    300,
  ],
  [
    'trees out of deltas',
    () => ({
      wrong: fetching(wideDeltas()),
      operation: 'list',
      options: { limits: { keptBytes: 32_000_000 } },
    }),
    'GIT_LIMIT_EXCEEDED',
  ],
  [
    'fifty thousand small files',
    () => ({
      wrong: fetching(
        Array.from({ length: 50_000 }, (_, n) => ({ type: types.blob, content: Buffer.from(String(n)) })),
      ),
      operation: 'list',
    }),
    1,
  ],
  [
    'directories within directories',
    () => ({ ...nested(), options: { limits: { treeEntries: 300_000 } } }),
    'GIT_LIMIT_EXCEEDED',
  ],
  ['a directory of fifty thousand files', () => wideTree(50_000), 50_000],
  ['a directory of a hundred and fifty thousand files', () => wideTree(150_000), 150_000],
  ['a save beside a hundred and fifty thousand files', () => save(wideTree(150_000), 1, 1_000), 'landed'],
  ['a hundred saves beside twenty thousand files', () => save(wideTree(20_000), 100, 1_000), 'landed'],
  ['saves of four megabytes in all', () => save(wideTree(10), 4, 2 ** 20), 'landed'],
  ['a commit of twenty megabytes', () => hugeCommit(''), 1, 300],
  [
    'a commit of a hundred thousand parents',
    () => hugeCommit(`parent ${head}\n`.repeat(100_000)),
    'GIT_ANSWER_INVALID',
    300,
  ],
];

describe('While it reads', () => {
  test.each(cases)(
    '%s, the process goes on and does not grow out of bounds',
    async (_, load, outcome, grownMiBMax = GROWN_MIB_MAX) => {
      const cost = await least(load());
      expect(cost.outcome).toBe(outcome);
      expect(cost.stoodStillMs).toBeLessThan(STOOD_STILL_MS_MAX);
      expect(cost.grownMiB).toBeLessThan(grownMiBMax);
    },
  );
});
