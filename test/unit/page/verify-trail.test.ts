import { describe, expect, it } from 'vitest';
import { GENESIS, type Head, writeLink } from '../../../src/trail/link.js';
import { hashOf } from '../../../src/trail/verify.js';
import { sentenceOf, verifyExport } from '../../../web/audit/verify-trail.js';

const ACCOUNT = 'accounts/demo';

/** Entries in their order, each hashed as the manager does. */
function trailOf(...entries: string[]): { lines: string[]; head: Head } {
  let head = GENESIS;
  const lines = entries.map((entry) => {
    const bare = { account: ACCOUNT, position: head.position + 1, previous: head.hash, entry };
    head = { position: bare.position, hash: hashOf(bare) };
    return writeLink({ ...bare, hash: head.hash });
  });
  return { lines, head };
}

/** In pieces of a few bytes, so that letters and lines come torn. */
function streamOf(text: string, size = 7): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.slice(index * size, (index + 1) * size),
  );
  return new ReadableStream({
    pull: (controller) => {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

const { lines, head } = trailOf('{"by":"Zoë"}', '{"action":"entity.saved"}', '{"action":"secret.put"}');
const verify = (some: string[], witnesses: Head[] = [head], end = '\n') =>
  verifyExport({ bytes: streamOf(some.join('\n') + end), account: ACCOUNT, witnesses });

describe('a trail, verified in a browser', () => {
  it.each(['\n', ''])('hangs together, whatever its pieces, with %j at its end', async (end) => {
    const verdict = await verify(lines, [head], end);
    expect(verdict).toMatchObject({ count: 0, entries: 3, head });
    expect(sentenceOf(verdict)).toBe('Nothing is wrong with the 3 entries');
  });

  it('that is empty has no end but its beginning', async () => {
    expect(sentenceOf(await verify([], [GENESIS], ''))).toBe('Nothing is wrong with the 0 entries');
  });

  it.each([
    {
      what: 'an edited line',
      some: lines.with(1, (lines[1] ?? '').replace('saved', 'shown')),
      kind: 'edited',
    },
    { what: 'a line that is none', some: lines.with(1, 'nothing'), kind: 'unreadable' },
    { what: 'a deletion', some: lines.toSpliced(1, 1), kind: 'missing' },
    { what: 'a cut end', some: lines.slice(0, 2), kind: 'truncated' },
    { what: 'another order', some: [lines[1], lines[0], lines[2]] as string[], kind: 'misplaced' },
    { what: 'another account', some: trailAs('accounts/other'), kind: 'foreign' },
  ])('says of $what that it is $kind', async ({ some, kind }) => {
    const verdict = await verify(some);
    expect(verdict.findings.map((one) => one.kind)).toContain(kind);
    expect(sentenceOf(verdict)).toMatch(/^\d+ things? (is|are) wrong with the \d+ entr/);
  });

  it('that was made anew is found by the end that somebody kept', async () => {
    const anew = trailOf('{"by":"nobody"}', '{}', '{}');
    expect((await verify(anew.lines, [anew.head])).count).toBe(0);
    expect((await verify(anew.lines)).findings).toMatchObject([{ kind: 'rewritten', position: 3 }]);
  });
});

function trailAs(account: string): string[] {
  const bare = { account, position: 1, previous: GENESIS.hash, entry: '{}' };
  return [writeLink({ ...bare, hash: hashOf(bare) })];
}
