// What is made of the code is what the code says, and every flag of the command line is used by a test.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.js';
import { listFiles, readText } from './pages.js';

it('the client’s routes and the page of the command line are what `npm run generate` would write', async () => {
  const { stderr } = await promisify(execFile)(process.execPath, ['generate.mjs', '--check']);
  expect(stderr).toBe('');
});

const commandsOf = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap((one) => commandsOf(one)),
];

it('every command and every flag of the command line is in a test of it', () => {
  const tests = listFiles('test')
    .filter((file) => /flows\/cli[a-z-]*\.test\.ts$/.test(file))
    .map(readText)
    .join('\n');
  const words = commandsOf(buildProgram('0.0.0')).flatMap((command) => [
    ...(command.parent === null ? [] : [command.name()]),
    ...command.options.flatMap(({ long }) => long ?? []),
  ]);
  expect(words.length).toBeGreaterThan(20);
  expect(words.filter((word) => !tests.includes(`'${word}'`))).toEqual([]);
});

/** Who asks without the client, and why. */
const bare: Record<string, string> = {
  'src/cli/doctor.ts': 'It tells what stands between here and the manager, which nothing may smooth over',
  'web/audit/audit-screen.tsx': 'An export becomes a file as it comes',
};

it('the page and the command line ask through the client, which is patient', () => {
  const asking = listFiles('web', 'src/cli').filter(
    (file) => /\.tsx?$/.test(file) && /(?<![.\w])fetch\(|XMLHttpRequest|new EventSource/.test(readText(file)),
  );
  expect(asking).toContain('src/cli/doctor.ts');
  expect(asking.filter((file) => bare[file] === undefined)).toEqual([]);
});
