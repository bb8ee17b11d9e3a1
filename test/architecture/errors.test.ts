import { describe, expect, it } from 'vitest';
import { ProblemAnswer } from '../../src/api/answers.js';
import { errors } from '../../src/kernel/errors.js';
import { listFiles, plain, readText, tableRows } from './pages.js';

const TABLE = 'src/kernel/errors.ts';
const rows = tableRows(readText('docs/reference/errors.md'));

describe('the page of errors', () => {
  const listed = rows.filter(({ columns }) => columns[0] === 'code');

  it('lists every code of the table, and no other, with status, disposition and title', () => {
    const expected = Object.entries(errors).map(([code, { status, disposition, title }]) => ({
      code,
      status,
      disposition,
      title,
    }));
    expect(
      listed.map(({ cells: [code, status, disposition, title] }) => ({
        code: plain(code),
        status: Number(status),
        disposition,
        title,
      })),
    ).toEqual(expected);
  });

  it('groups them as the table does', () => {
    const sections: Record<string, string[]> = {};
    let section = '';
    for (const line of readText(TABLE).split('\n')) {
      const heading = /^ {2}\/\/ --- (.+?) -+$/.exec(line)?.[1];
      if (heading !== undefined) section = heading.charAt(0).toUpperCase() + heading.slice(1);
      const code = /^ {2}([A-Z_]+): row/.exec(line)?.[1];
      if (code !== undefined) sections[section] = [...(sections[section] ?? []), code];
    }
    const onPage: Record<string, string[]> = {};
    for (const { section: name, cells } of listed) onPage[name] = [...(onPage[name] ?? []), plain(cells[0])];
    expect(onPage).toEqual(sections);
  });

  it('says for each when it comes and what to do', () => {
    expect(listed.filter(({ cells: [, , , , when, mend] }) => !when || !mend)).toEqual([]);
  });

  it('describes the fields that a problem has', () => {
    const fields = rows.filter(({ columns }) => columns[0] === 'field').map(({ cells }) => plain(cells[0]));
    expect(fields.toSorted()).toEqual(Object.keys(ProblemAnswer.shape).toSorted());
  });
});

it('every code of the table is thrown somewhere', () => {
  const thrown = new Set(
    listFiles('src', 'workers')
      .filter((file) => file.endsWith('.ts') && file !== TABLE)
      .flatMap((file) => {
        // Secret managers have tables from what the other side says to a code.
        const named = file.startsWith('workers/secret-managers/')
          ? /'(SECRET_[A-Z_]+)'/g
          : /new Failure\(\s*'([A-Z_]+)'/g;
        return [...readText(file).matchAll(named)].map(([, code]) => code);
      }),
  );
  expect(Object.keys(errors).filter((code) => !thrown.has(code))).toEqual([]);
});
