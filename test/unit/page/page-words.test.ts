import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pageWords } from '../../../web/parts/page-words.js';

/** Of requests, and not of what one sees. */
const SPEAKS_OF_REQUESTS =
  /\b(?:GET|PUT|POST|DELETE) |If-(?:None-)?Match|openapi|curl|`[a-z.]+[A-Za-z]*`|docs\//;

/** Code and what to do, of each row of the reference. */
const reference = new Map(
  [
    ...fs
      .readFileSync(new URL('../../../docs/reference/errors.md', import.meta.url), 'utf8')
      .matchAll(/^\| `([A-Z_]+)` \|.*\| ([^|]+) \|$/gm),
  ].map(([, code = '', hint = '']) => [code, hint]),
);
/** No button of the page sends what they are about. */
const neverMet = ['PRECONDITION_REFUSED', 'ROUTE_NOT_FOUND'];

describe('the words of the page', () => {
  it('are about codes that there are', () => {
    expect(reference.size).toBeGreaterThan(150);
    expect(Object.keys(pageWords).filter((code) => !reference.has(code))).toEqual([]);
  });

  it('speak of what one sees', () => {
    const said = Object.entries(pageWords).map(
      ([code, { hint, detail = '' }]) => `${code}: ${hint} ${detail}`,
    );
    expect(said.filter((words) => SPEAKS_OF_REQUESTS.test(words))).toEqual([]);
  });

  it('are there for every code whose own hint speaks of requests', () => {
    const speaking = [...reference].filter(([, hint]) => SPEAKS_OF_REQUESTS.test(hint));
    expect(speaking.length).toBeGreaterThan(8);
    const missing = speaking.filter(([code]) => !(code in pageWords) && !neverMet.includes(code));
    expect(missing).toEqual([]);
  });
});
