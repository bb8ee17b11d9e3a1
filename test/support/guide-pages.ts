// A page of docs/guides as the steps of its reader, and whether what they see is what the page shows.
//
//   ```sh      is run, all of it, in the one shell of the guide. A block that begins with `npm ci && ` stands in README.md as well, and is
//              run without what the suite’s own installation and build have done: `npm ci`, `npm run build`
//   ```text    after it: what it printed. `…` stands for anything within a line, alone on a line for any lines; blanks count as one
//   ```json    after it: what it printed, however that is set out. `…` stands for any part of a text, alone for any value;
//              a member `"…": "…"` for all that are not shown
//   ```ts      is written to the file that its first line names in a comment
//
// Anything else in a fence is an error. What the reader sees of it besides is said by a comment in the line above a ```sh:
//
//   <!-- ends with 1 -->             in place of 0
//   <!-- another terminal: x -->     it runs on in a shell of its own, and the reader goes on once it has printed x
//   <!-- again until it is so -->    it is given again until it prints what the page shows
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Step {
  /** `docs/guides/x.md:12` */
  at: string;
  language: 'sh' | 'ts';
  text: string;
  marker: Marker;
  shows: Shown | undefined;
}

export interface Shown {
  language: 'text' | 'json';
  text: string;
}

export interface Marker {
  endsWith: number;
  /** What another terminal says once the reader may go on. */
  until?: string;
  again?: true;
}

interface Block {
  at: string;
  language: string;
  text: string;
  /** The line above. */
  above: string;
}

export const readPage = (page: string): Step[] =>
  stepsOf(fs.readFileSync(path.join(root, page), 'utf8'), page);

/** @throws Error for whatever a reader could not follow */
export function stepsOf(text: string, page: string): Step[] {
  const steps: Step[] = [];
  let last: Step | undefined;
  for (const { at, language, text: content, above } of blocksOf(text, page)) {
    if (language === 'sh' || language === 'ts') {
      last = { at, language, text: content, marker: markerOf(above, at), shows: undefined };
      steps.push(last);
    } else if (language === 'text' || language === 'json') {
      if (last?.language !== 'sh' || last.shows !== undefined) throw new Error(`${at}: follows no command`);
      last.shows = { language, text: content };
    } else throw new Error(`${at}: nobody knows what a fence of “${language}” is`);
  }
  return steps;
}

function blocksOf(text: string, page: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  let above = '';
  for (const [index, line] of text.split('\n').entries()) {
    const at = `${page}:${index + 1}`;
    if (open === undefined && line.startsWith('```')) open = { at, language: line.slice(3), text: '', above };
    else if (open !== undefined && line === '```') {
      blocks.push(open);
      open = undefined;
    } else if (open !== undefined) open.text += `${line}\n`;
    else if (/^\s*(```|~~~)/.test(line))
      throw new Error(`${at}: a fence begins its line with three backticks`);
    above = line;
  }
  if (open !== undefined) throw new Error(`${open.at}: the fence has no end`);
  return blocks;
}

function markerOf(above: string, at: string): Marker {
  const words = /^<!-- (.+) -->$/.exec(above)?.[1];
  if (words === undefined) return { endsWith: 0 };
  const [, code, until] =
    /^(?:ends with (\d+)|another terminal: (.+)|again until it is so)$/.exec(words) ?? [];
  if (code !== undefined) return { endsWith: Number(code) };
  if (until !== undefined) return { endsWith: 0, until };
  if (words === 'again until it is so') return { endsWith: 0, again: true };
  throw new Error(`${at}: nobody knows what “${words}” means`);
}

const INSTALLED = /^npm ci && (?:npm run build$\n?)?/m;

/** What a shell runs of a step. @throws Error where README.md installs it in another way */
export function commandOf(
  { at, text }: Step,
  readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8'),
): string {
  if (!text.startsWith('npm ci')) return text;
  const line = text.split('\n')[0] as string;
  if (!readme.split('\n').includes(line)) throw new Error(`${at}: README.md has no line “${line}”`);
  return text.replace(INSTALLED, '');
}

/** Whether this is what the page shows. */
export function isShown({ language, text }: Shown, output: string): boolean {
  if (language === 'text') return isText(words(text), words(output));
  try {
    return isValue(JSON.parse(text), JSON.parse(output));
  } catch {
    return false;
  }
}

const words = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '));

/** `a … b` → whatever begins with `a ` and ends with ` b` */
function isLike(expected: string, found: string): boolean {
  const parts = expected.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(found);
}

function isText([line, ...rest]: string[], output: string[]): boolean {
  if (line === undefined) return output.length === 0;
  if (line === '…') return [...output.keys(), output.length].some((from) => isText(rest, output.slice(from)));
  return output[0] !== undefined && isLike(line, output[0]) && isText(rest, output.slice(1));
}

function isValue(expected: unknown, found: unknown): boolean {
  if (expected === '…') return true;
  if (typeof expected === 'string') return typeof found === 'string' && isLike(expected, found);
  if (typeof expected !== 'object' || expected === null) return expected === found;
  if (typeof found !== 'object' || found === null || Array.isArray(expected) !== Array.isArray(found))
    return false;
  const { '…': others, ...members } = expected as Record<string, unknown>;
  const has = found as Record<string, unknown>;
  return (
    Object.entries(members).every(([name, value]) => Object.hasOwn(has, name) && isValue(value, has[name])) &&
    (others !== undefined || Object.keys(members).length === Object.keys(has).length)
  );
}
