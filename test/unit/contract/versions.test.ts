// What the version of the contract promises: a change to what stands on the wire raises it, and the one before is still spoken.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { tasks } from '../../../src/contract/tasks.js';
import { contractOldest, contractVersion, historySince } from '../../../src/contract/version.js';
import { type ContractSchema, contractSchema } from '../../support/contract-schema.js';

const recordOf = (version: number): string => `../../fixtures/contract-${version}.json`;
const recorded = (version: number): ContractSchema =>
  JSON.parse(fs.readFileSync(fileURLToPath(new URL(recordOf(version), import.meta.url)), 'utf8'));

it('the contract is the recorded one of its version: whoever changes it raises the version and records the new one', () => {
  expect(JSON.parse(JSON.stringify(contractSchema()))).toEqual(recorded(contractVersion));
});

it('this version and the one before are spoken', () => {
  expect(contractOldest).toBe(contractVersion - 1);
});

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const id = '0123456789'.repeat(4);
const remote = {
  url: 'https://git.example/a.git',
  credential: { username: 'ada', secret: { manager: 'builtin', value: 'aHVzaA==' } },
};
const person = { name: 'Ada', email: 'ada@sallyport.invalid' };
const change = { path: 'a.yaml', content: 'YTogMQo=', expect: null };
const step = { message: 'Save\n', author: person, committer: person, timestamp: 1, changes: [change] };
const entry = { path: 'a.yaml', mode: '100644', id };

/** What a manager sends and a delegate answers, as they stand on the wire. */
const samples: Record<string, { input: object; output: unknown }> = {
  'git.head': { input: { remote, branch: 'main' }, output: id },
  'git.heads': { input: { remote }, output: { branches: [['main', id]], default: 'main' } },
  'git.read': { input: { remote, at: id, paths: ['a.yaml'] }, output: [{ id, content: 'YTogMQo=' }, null] },
  'git.list': { input: { remote, at: id, prefix: '' }, output: [entry] },
  'git.changes': {
    input: { remote, from: id, to: id, contents: true },
    output: [{ path: 'a.yaml', from: null, to: entry, content: 'YTogMQo=' }],
  },
  'git.history': {
    input: { remote, path: 'a.yaml', place: { pending: [id], seen: [] }, limit: 1 },
    output: {
      commits: [
        {
          id,
          parent: null,
          isMerge: false,
          author: { ...person, at: 1 },
          committer: { ...person, at: 1 },
          message: 'Save\n',
          isMessageCut: false,
          operation: null,
          from: null,
          to: { mode: '100644', id },
        },
      ],
      searchedTo: id,
      next: { pending: [id], seen: [id] },
    },
  },
  'git.commit': {
    input: { remote, chain: { branch: 'main', base: id, create: false, steps: [step] } },
    output: { status: 'landed', head: id, steps: [{ commit: id, unchanged: false, blobs: [id] }] },
  },
  'git.deleteBranch': { input: { remote, branch: 'main', at: id }, output: { status: 'deleted' } },
  'git.check': { input: { remote }, output: { stages: [{ stage: 'reach', ok: true, ms: 1.5 }], host: null } },
};

describe.each([contractOldest, contractVersion])('version %i', (version) => {
  const names = Object.keys(recorded(version).tasks).filter((name) => name.startsWith('git.'));

  it('has every task of the Git port', () => {
    const known = Object.keys(samples).filter((name) => name !== 'git.history' || version >= historySince);
    expect(names.toSorted()).toEqual(known.toSorted());
  });

  it.each(names)('understands what is sent for %s, and its answers are understood', (name) => {
    const { input, output } = recorded(version).tasks[name] as ContractSchema['tasks'][string];
    const sample = samples[name] as (typeof samples)[string];
    expect(ajv.validate(input, sample.input), ajv.errorsText()).toBe(true);
    expect(ajv.validate(output, sample.output), ajv.errorsText()).toBe(true);
    const task = tasks[name as keyof typeof tasks];
    expect(task.input.safeParse(sample.input).success).toBe(true);
    expect(task.output.safeParse(sample.output).success).toBe(true);
  });
});
