// The habits of CONTRIBUTING.md that a program can see.
import path from 'node:path';
import { expect, it } from 'vitest';
import { listFiles, readText } from './pages.js';

const production = listFiles('src', 'workers').filter((file) => file.endsWith('.ts'));
const code = listFiles('src', 'workers', 'test').filter((file) => /\.m?[jt]s$/.test(file));

type Rules = Record<string, 'off' | [string, { max: number }] | undefined>;

const lint = JSON.parse(readText('.oxlintrc.json')) as {
  rules: Rules;
  overrides: { files: string[]; rules: Rules }[];
};

/** What the linter's rule allows in this file; Infinity where an override names the file and switches the rule off. */
function maxOf(rule: string, file = ''): number {
  const override = lint.overrides.findLast(
    (one) => one.files.includes(file) && one.rules[rule] !== undefined,
  );
  const found = (override ?? lint).rules[rule];
  return Array.isArray(found) ? found[1].max : Number.POSITIVE_INFINITY;
}

it('no file is longer than the linter allows, which is what CONTRIBUTING.md says', () => {
  const tooLong = code
    .map((file) => ({ file, lines: readText(file).trimEnd().split('\n').length }))
    .filter(({ file, lines }) => lines > maxOf('eslint/max-lines', file));
  expect(tooLong).toEqual([]);
  expect(readText('CONTRIBUTING.md')).toContain(
    `at most ${maxOf('eslint/max-lines')} lines, a function at most ${maxOf('eslint/max-lines-per-function')}.`,
  );
});

it('files are kebab-case, with a suffix only for a role', () => {
  const roles = {
    production: 'controller|filter|flow|guard|module|repository|service',
    test: 'test|conformance|reporter|golden',
  };
  const words = '[a-z0-9]+(?:-[a-z0-9]+)*';
  const odd = (files: string[], suffixes: string): string[] =>
    files.filter(
      (file) =>
        !new RegExp(`^${words}(?:\\.(?:${suffixes}))?\\.(?:ts|mjs|py|java|json)$`).test(path.basename(file)),
    );
  expect(odd(production, roles.production)).toEqual([]);
  const readable = listFiles('test').filter((file) => path.basename(file) !== 'README.md');
  expect(odd(readable, roles.test)).toEqual([]);
});

it('there is no index.ts and no drawer for leftovers', () => {
  const drawer = /(^|\/)(utils?|common|shared|helpers?|misc|lib)(\/|\.)|(^|\/)index\.m?ts$/;
  expect(code.filter((file) => drawer.test(file))).toEqual([]);
});

it('a domain folder has at most one service', () => {
  const folders = production.filter((file) => file.endsWith('.service.ts')).map((file) => path.dirname(file));
  expect(folders).toEqual([...new Set(folders)]);
});

it('classes and interfaces carry no Abstract, Default, Impl or I', () => {
  const odd = /^export (?:abstract )?(?:class|interface) (?:(?:Abstract|Default|Base|I)[A-Z]\w*|\w+Impl)\b/m;
  expect(production.filter((file) => odd.test(readText(file)))).toEqual([]);
});

it('process.env is read in src/config alone', () => {
  const readers = production.filter((file) =>
    /process\s*\.\s*env\b|process\[|\{[^}]*\benv\b[^}]*\} = process\b/.test(readText(file)),
  );
  expect(readers.filter((file) => !file.startsWith('src/config/'))).toEqual([]);
  expect(readers.length).toBeGreaterThan(0);
});
