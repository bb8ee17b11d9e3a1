// The trail, verified where Node is.
import { createHash } from 'node:crypto';
import { hashedText, type Link } from './link.js';
import { type Expected, type Verdict, verifyTrail } from './verifier.js';

const digest = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

export const hashOf = (link: Omit<Link, 'hash'>): string => digest(hashedText(link));

/** Of a whole export. */
export const verifyLines = (
  lines: AsyncIterable<string> | Iterable<string>,
  expected: Expected = {},
): Promise<Verdict> => verifyTrail(digest, lines, expected);
