// The OpenAPI document: sound to a linter, and no promise of the released one broken.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { breachesOf } from '../support/openapi-compatibility.js';
import { readText, root } from './pages.js';

let source: string;
beforeAll(async () => {
  const options = { maxBuffer: 64 * 1024 * 1024 };
  ({ stdout: source } = await promisify(execFile)(process.execPath, ['generate.mjs', '--document'], options));
});

async function problemsOf(text: string): Promise<string[]> {
  const config = await createConfig(readText('redocly.yaml'));
  const problems = await lintFromString({
    source: text,
    absoluteRef: path.join(root, 'openapi.json'),
    config,
  });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`);
}

describe('the linter', () => {
  it('has nothing against the document', async () => {
    expect(await problemsOf(source)).toEqual([]);
  });

  it('would find what is wrong', async () => {
    const broken = JSON.parse(source);
    const [[, road] = ['', {}]] = Object.entries<Record<string, Record<string, unknown>>>(broken.paths);
    const [operation = {}] = Object.values(road);
    delete operation.summary;
    operation.parameters = [{ in: 'path', name: 'none', required: true, schema: { type: 'strin' } }];
    const rules = (await problemsOf(JSON.stringify(broken))).map((problem) => problem.split(':')[0]);
    expect(rules).toEqual(expect.arrayContaining(['operation-summary', 'path-parameters-defined', 'struct']));
  });
});

describe('the released document', () => {
  const released = JSON.parse(readText('docs/reference/openapi.json'));

  it('is kept to in everything', () => {
    expect(breachesOf(released, JSON.parse(source))).toEqual([]);
  });

  it('is one in which a broken promise would be found', () => {
    const after = JSON.parse(source);
    const [gone = ''] = Object.keys(after.paths);
    delete after.paths[gone];
    expect(breachesOf(released, after)).toContainEqual(expect.stringContaining(`${gone}: the route is gone`));
  });
});
