import { describe, expect, it } from 'vitest';
import { arrivalMessage, removalMessage } from '../../../src/sync/move-commit.js';
import { makeOrigin } from '../support/moves.js';

const c = 'c'.repeat(40);

describe('the message of a move', () => {
  it('says where one came from, after the caller’s words', () => {
    const moved = [{ kind: 'pipeline', id: 'build', origin: makeOrigin() }];
    expect(arrivalMessage(null, 'o', moved)).toBe(
      `Move pipeline build\n\nSallyport-Operation: o\nSallyport-Moved-From: main:old.yaml@${c}\n`,
    );
    expect(arrivalMessage('Tidy up\n\n', 'o', moved)).toMatch(/^Tidy up\n\nSallyport-Operation: o\n/);
  });

  it('counts many, tells of inline ones, and never names a repository', () => {
    const text = arrivalMessage(null, 'o', [
      { kind: 'pipeline', id: 'build', origin: makeOrigin() },
      { kind: 'pipeline', id: 'test', origin: { store: 'inline' } },
    ]);
    expect(text).toMatch(/^Move 2 entities\n/);
    expect(text).toContain('\nSallyport-Moved-From: inline\n');
    expect(text).not.toContain('git.example.com');
  });

  it('says where files went', () => {
    const to = { branch: 'next', path: 'new.yaml', commitId: c };
    expect(removalMessage(null, 'o', [{ kind: 'pipeline', id: 'build', to }])).toBe(
      `Move pipeline build away\n\nSallyport-Operation: o\nSallyport-Moved-To: next:new.yaml@${c}\n`,
    );
    expect(removalMessage(null, 'o', [{ kind: 'pipeline', id: 'build', to: null }])).toContain(
      'Sallyport-Moved-To: inline\n',
    );
  });

  it('stays within bounds however long the paths are', () => {
    const path = `${'x'.repeat(4_000)}.yaml`;
    const moved = Array.from({ length: 500 }, (_, n) => ({
      kind: 'pipeline',
      id: `${n}`,
      origin: makeOrigin({ path }),
    }));
    expect(Buffer.byteLength(arrivalMessage('m'.repeat(65_536), 'o', moved))).toBeLessThan(140_000);
  });
});
