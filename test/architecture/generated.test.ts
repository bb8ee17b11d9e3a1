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

/** Each test of the command line, with what its describe says before its first one, and that by itself. */
const tests = listFiles('test')
  .filter((file) => /flows\/cli[a-z-]*\.test\.ts$/.test(file))
  .map(readText)
  .flatMap((file) =>
    file.split(/^describe\(/m).flatMap((part) => {
      const [before = '', ...texts] = part.split(/^ *it(?:\.each)?\(/m);
      return [before, ...texts].map((text) => ({ text, around: [before, text].join('\n'), file }));
    }),
  );

/** Whether the test has this word, and the command's own are given to it or to all tests of its describe or file. */
const uses = ({ text, around, file }: (typeof tests)[number], command: Command, word: string): boolean =>
  text.includes(`'${word}'`) &&
  wordsOf(command).every(
    (one) =>
      around.includes(`'${one}'`) ||
      new RegExp(`\\b${one}\\(`).test(text) ||
      file.includes(`['${one}', ...args]`),
  );

const wordsOf = (command: Command): string[] =>
  command.parent === null ? [] : [...wordsOf(command.parent), command.name()];

it('every command and every flag of the command line is in a test of it, and a flag in one with its command', () => {
  const pairs = commandsOf(buildProgram('0.0.0')).flatMap((command) =>
    [
      ...(command.commands.length > 0 ? [] : [command.name()]),
      ...command.options.flatMap(({ long }) => long ?? []),
    ].map((word) => ({ command, word })),
  );
  expect(pairs.length).toBeGreaterThan(60);
  const untried = pairs.filter(({ command, word }) => !tests.some((test) => uses(test, command, word)));
  expect(untried.map(({ command, word }) => [...wordsOf(command), word].join(' '))).toEqual([]);
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
