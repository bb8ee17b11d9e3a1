// Which files and branches are meant by a pattern, part by part between slashes, so that `app` never means `app2`: `*` stands
// for any part of a name, `**` for any directories, and `{id}`, `{org}` and `{project}` for a name that is read.
import { z } from 'zod';

const PATTERN_BYTES_MAX = 1_024;
/** Of `*` and placeholders in one part, so that no name takes long to compare. */
const WILD_MAX = 3;
/** A path of more directories is meant by no pattern. */
const PARTS_MAX = 64;
/** A longer name is meant by no pattern; no file system takes it either. */
const NAME_MAX = 255;
const PLACEHOLDER = /\{([a-z]+)\}/g;
const NAMES = new Set(['id', 'org', 'project']);

/** Names that a path was found to hold. */
export interface Captured {
  id?: string;
  org?: string;
  project?: string;
}

export type Matcher = (path: string) => Captured | undefined;

/** Why this cannot be a pattern; undefined when it can. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern === '' || Buffer.byteLength(pattern) > PATTERN_BYTES_MAX)
    return `does not have 1 to ${PATTERN_BYTES_MAX} bytes`;
  if (/[\u0000-\u001f\u007f\\]/.test(pattern) || !pattern.isWellFormed())
    return 'holds a control character, a backslash or half a surrogate pair';
  for (const part of pattern.split('/')) {
    if (part === '' || part === '.' || part === '..') return 'begins or ends with /, or holds //, . or ..';
    if (part !== '**' && part.includes('**')) return 'holds ** beside something else between two slashes';
    if ((part.match(/\*|\{[a-z]+\}/g) ?? []).length > WILD_MAX)
      return `holds more than ${WILD_MAX} of * and placeholders between two slashes`;
  }
  if (pattern.split('/').filter((part) => part === '**').length > 2) return 'holds ** more than twice';
  return placeholderProblem(pattern);
}

function placeholderProblem(pattern: string): string | undefined {
  const names = [...pattern.matchAll(PLACEHOLDER)].map(([, name]) => name ?? '');
  const unknown = names.find((name) => !NAMES.has(name));
  if (unknown !== undefined) return `holds {${unknown}}, which is none of {id}, {org} and {project}`;
  if (new Set(names).size < names.length) return 'holds a placeholder twice';
  return /[{}]/.test(pattern.replace(PLACEHOLDER, '')) ? 'holds a brace that is no placeholder' : undefined;
}

// Files of a kind: `pipelines/{id}.yaml`, `apps/**/{id}.yml`.
export const FilePattern = z
  .string()
  .superRefine((pattern, context) => {
    const problem = patternProblem(pattern) ?? fileProblem(pattern);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({
    description:
      'Path with `*` for part of a name, `**` for any directories, and {id} (once, required), {org}, {project}',
  });

function fileProblem(pattern: string): string | undefined {
  if (!pattern.includes('{id}')) return 'does not hold {id}';
  return /\.ya?ml$/.test(pattern) ? undefined : 'does not end in .yaml or .yml';
}

/** Branches: `main`, `release/*`, `**`. */
export const BranchPattern = z
  .string()
  .superRefine((pattern, context) => {
    const problem = patternProblem(pattern) ?? (/[{}]/.test(pattern) ? 'holds a placeholder' : undefined);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({ description: 'Branch name with `*` for part of a name and `**` for the rest' });

/**
 * @param pattern one that has no problem
 * @param isTemplate whether every `*` in it means itself, and a placeholder may stand twice, for the same name
 */
export function compilePattern(pattern: string, { isTemplate = false } = {}): Matcher {
  const parts = pattern
    .split('/')
    .map((part) => (part === '**' && !isTemplate ? null : compilePart(part, isTemplate)));
  return (path) => {
    const names = path.split('/');
    return names.length > PARTS_MAX ? undefined : matchParts(parts, names, {});
  };
}

type Name = keyof Captured;
/** A text, a name that is read, or `null` for anything. */
type Piece = { text: string } | { name: Name } | null;
type Part = readonly Piece[] | null;

function compilePart(part: string, isTemplate: boolean): Piece[] {
  const pieces = part.split(isTemplate ? /(\{[a-z]+\})/ : /(\*|\{[a-z]+\})/).filter((piece) => piece !== '');
  return pieces.map((piece) => {
    if (piece === '*' && !isTemplate) return null;
    const name = /^\{([a-z]+)\}$/.exec(piece)?.[1];
    return name === undefined ? { text: piece } : { name: name as Name };
  });
}

/**
 * What is not plain text takes as much as it can, from the left. From no place in a name the same pieces are tried twice, unless
 * a name among them stands twice and may be another one.
 */
function matchName(pieces: readonly Piece[], text: string, known: Captured): Captured | undefined {
  if (text.length > NAME_MAX) return undefined;
  const names = pieces.flatMap((piece) => (piece !== null && 'name' in piece ? piece.name : []));
  const isPlain = new Set(names).size === names.length;
  const failed = new Set<number>();
  const found = { ...known };
  const go = (at: number, from: number): boolean => {
    const piece = pieces[at];
    if (piece === undefined) return from === text.length;
    const name = piece !== null && 'name' in piece ? piece.name : null;
    const fixed = fixedText(piece, found);
    if (fixed !== undefined) return text.startsWith(fixed, from) && go(at + 1, from + fixed.length);
    const state = at * (NAME_MAX + 1) + from;
    if (failed.has(state)) return false;
    for (let to = text.length; to >= from + (name === null ? 0 : 1); to--) {
      if (name !== null && !isPlain) found[name] = text.slice(from, to);
      if (!go(at + 1, to)) continue;
      if (name !== null) found[name] = text.slice(from, to);
      return true;
    }
    if (name !== null) delete found[name];
    if (isPlain) failed.add(state);
    return false;
  };
  return go(0, 0) ? found : undefined;
}

function fixedText(piece: Piece, found: Captured): string | undefined {
  if (piece === null) return undefined;
  return 'text' in piece ? piece.text : found[piece.name];
}

/** `**` takes as few directories as it can. */
function matchParts(parts: readonly Part[], names: readonly string[], found: Captured): Captured | undefined {
  const [part, ...rest] = parts;
  if (part === undefined) return names.length === 0 ? found : undefined;
  if (part !== null) {
    const match = names[0] === undefined ? undefined : matchName(part, names[0], found);
    return match === undefined ? undefined : matchParts(rest, names.slice(1), match);
  }
  for (let taken = 0; taken <= names.length; taken++) {
    const match = matchParts(rest, names.slice(taken), found);
    if (match !== undefined) return match;
  }
  return undefined;
}

export const matchesAny = (patterns: readonly Matcher[], text: string): boolean =>
  patterns.some((match) => match(text) !== undefined);
