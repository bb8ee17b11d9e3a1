import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProblemAnswer } from '../../src/api/answers.js';
import { type ErrorCode, errors } from '../../src/kernel/errors.js';
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

/** The file, and all that it imports, to the last of them. */
function reachableFrom(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, module = ''] of readText(file).matchAll(/(?:from|import) '(\.[^']+)\.js'/g))
    reachableFrom(`${path.posix.join(path.posix.dirname(file), module)}.ts`, seen);
  return seen;
}

it('nothing behind the door of webhooks names a code of status 410, at which hosts send no more', () => {
  const named = [...reachableFrom('src/api/webhook-door.ts')]
    .filter((file) => file !== TABLE)
    .flatMap((file) => [...readText(file).matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code));
  const codes = (Object.keys(errors) as ErrorCode[]).filter((code) => named.includes(code));
  // What it is known to answer was found, so the rest was looked for.
  const known = ['MEDIA_TYPE_UNSUPPORTED', 'BODY_TOO_LARGE', 'RATE_LIMITED', 'WEBHOOK_DOOR_FULL', 'INTERNAL'];
  const more = ['ROUTE_NOT_FOUND', 'WEBHOOK_PROOF_REJECTED', 'DATABASE_UNAVAILABLE'];
  expect(codes).toEqual(expect.arrayContaining([...known, ...more]));
  expect(codes.filter((code) => errors[code].status === 410)).toEqual([]);
});

it('every code of the table is thrown somewhere', () => {
  const thrown = new Set(
    listFiles('src', 'workers')
      .filter((file) => file.endsWith('.ts') && file !== TABLE)
      .flatMap((file) => {
        // There are tables from what the other side says to a code.
        const tables: [string, RegExp][] = [
          ['workers/secret-managers/', /'(SECRET_[A-Z_]+)'/g],
          ['src/providers/host-refusals.ts', /'(HOST_API_[A-Z_]+)'/g],
        ];
        const named = tables.find(([place]) => file.startsWith(place))?.[1] ?? /new Failure\(\s*'([A-Z_]+)'/g;
        return [...readText(file).matchAll(named)].map(([, code]) => code);
      }),
  );
  expect(Object.keys(errors).filter((code) => !thrown.has(code))).toEqual([]);
});
