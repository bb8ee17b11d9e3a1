// What a document may be: the limits of the input policy, checked before and during parsing.
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument as parseYaml,
  type Scalar,
  type YAMLMap,
  type YAMLParseError,
} from 'yaml';
import { Failure } from '../kernel/failure.js';
import { cutText } from '../kernel/storable.js';

export const keysMax = 10_000;
export const depthMax = 64;
export const aliasNodesMax = 100;

export interface ParsedDocument {
  document: Document.Parsed;
  /** Line and column, from 1, of an offset in the text. */
  at: (offset: number) => { line: number; column: number };
}

const CORE_TAGS = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`),
);
/** YAML's printable characters, tab and line ends among them. */
const UNPRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** Parses a document that keeps every rule. @throws YAML_REFUSED with the place of the first that it breaks */
export const parseDocument = (bytes: Uint8Array): ParsedDocument => parseText(textOf(bytes));

/** @param text as `textOf` gives it @throws YAML_REFUSED */
export function parseText(text: string): ParsedDocument {
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  scan(text);
  const document = parseYaml(text, {
    lineCounter: lines,
    uniqueKeys: false,
    // `silent` would also pass over a second document.
    logLevel: 'error',
    prettyErrors: false,
    schema: 'core',
    merge: false,
  });
  const [error] = document.errors;
  if (error !== undefined) throw refusal(wordsOf(error), at(error.pos[0]));
  if (!isMap(document.contents))
    throw refusal('the root is not a mapping', at(document.contents?.range?.[0] ?? 0));
  new Inspection(document, at).inspect(document.contents);
  return { document, at };
}

/** What a key is called in the value that is validated; null and nothing are the empty name. */
export const nameOf = ({ value }: Scalar): string => (value === null ? '' : String(value as string | number));

interface Place {
  line: number;
  column: number;
}

const refusal = (problem: string, place: Place): Failure =>
  new Failure('YAML_REFUSED', { problem, ...place }) as Failure;

/** What the parser says, where its words are fit for the author of a document. */
function wordsOf({ code, message }: YAMLParseError): string {
  if (code === 'MULTIPLE_DOCS') return 'it holds several documents';
  if (code === 'RESOURCE_EXHAUSTION') return `it is nested more than ${depthMax} levels deep`;
  return message.split('\n')[0] ?? message;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes as printable text. @throws YAML_REFUSED */
export function textOf(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw refusal('it is not UTF-8', { line: 1, column: 1 });
  }
  const unprintable = UNPRINTABLE.exec(text);
  if (unprintable !== null) {
    const code = (unprintable[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    throw refusal(
      `it holds the character U+${code}, which is not printable`,
      placeIn(text, unprintable.index),
    );
  }
  return text;
}

function placeIn(text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Counts on the way through the tokens, so that a huge or deep document is never composed. */
function scan(text: string): void {
  if (isPlainlySmall(text)) return;
  let [offset, keys, depth] = [0, 0, 0];
  for (const token of new Lexer().lex(text)) {
    if (token === ':') keys += 1;
    else if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (keys > keysMax) throw refusal(`it has more than ${keysMax} keys`, placeIn(text, offset));
    if (depth > depthMax)
      throw refusal(`it is nested more than ${depthMax} levels deep`, placeIn(text, offset));
    offset += CONTROL_TOKENS.has(token) ? 0 : token.length;
  }
}

/** Whether there are not even so many characters as tokens are allowed, wherever they stand: so it is with nearly all documents. */
function isPlainlySmall(text: string): boolean {
  let [keys, depth] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === COLON) keys += 1;
    else if (character === BRACKET || character === BRACE) depth += 1;
  }
  return keys <= keysMax && depth <= depthMax;
}

const [COLON, BRACKET, BRACE] = [0x3a, 0x5b, 0x7b];

/** Tokens of the lexer that stand for no text. */
const CONTROL_TOKENS = new Set(['\u0002', '\u0018', '\u001f']);

/** One walk over the nodes: tags, depth, keys, aliases. */
class Inspection {
  #keys = 0;
  #aliasNodes = 0;
  readonly #sizes = new Map<Node, number>();
  readonly #open = new Set<Node>();

  constructor(
    private readonly document: Document.Parsed,
    private readonly at: ParsedDocument['at'],
  ) {}

  /** The number of nodes below and including this one, aliases expanded. */
  inspect(node: ParsedNode | null, depth = 1): number {
    if (node === null) return 1;
    if (depth > depthMax && isCollection(node))
      throw this.#refuse(`it is nested more than ${depthMax} levels deep`, node);
    if (isAlias(node)) return this.#expand(node);
    if (node.tag !== undefined && !CORE_TAGS.has(node.tag))
      throw this.#refuse(`tag ${cutText(node.tag, 80)} is not of the core schema`, node);
    if (isScalar(node) && typeof node.value === 'string' && !node.value.isWellFormed())
      throw this.#refuse('a text holds half a surrogate pair', node);
    this.#open.add(node);
    let size = 1;
    if (isMap(node)) size += this.#inspectMap(node as YAMLMap.Parsed, depth);
    else if (isSeq(node))
      for (const item of node.items) size += this.inspect(item as ParsedNode | null, depth + 1);
    this.#open.delete(node);
    this.#sizes.set(node, size);
    return size;
  }

  #inspectMap(map: YAMLMap.Parsed, depth: number): number {
    const seen = new Set<string>();
    let size = 0;
    for (const { key, value } of map.items) {
      this.#keys += 1;
      if (this.#keys > keysMax) throw this.#refuse(`it has more than ${keysMax} keys`, key);
      if (!isScalar(key)) throw this.#refuse('a key is not a plain value', key ?? map);
      const name = nameOf(key);
      if (seen.has(name))
        throw this.#refuse(`key ${JSON.stringify(cutText(name, 80))} stands twice in one mapping`, key);
      seen.add(name);
      size += this.inspect(key, depth + 1) + this.inspect(value, depth + 1);
    }
    return size;
  }

  #expand(alias: ParsedNode & { source: string }): number {
    const target = (alias as unknown as { resolve: (doc: Document.Parsed) => Node | undefined }).resolve(
      this.document,
    );
    if (target === undefined) throw this.#refuse(`alias *${cutText(alias.source, 80)} has no anchor`, alias);
    if (this.#open.has(target))
      throw this.#refuse(`alias *${cutText(alias.source, 80)} contains itself`, alias);
    const size = this.#sizes.get(target) ?? 1;
    this.#aliasNodes += size;
    if (this.#aliasNodes > aliasNodesMax)
      throw this.#refuse(`its aliases expand to more than ${aliasNodesMax} nodes`, alias);
    return size;
  }

  #refuse(problem: string, node: Node): Failure {
    return refusal(problem, this.at((node.range as [number, number, number] | null | undefined)?.[0] ?? 0));
  }
}
