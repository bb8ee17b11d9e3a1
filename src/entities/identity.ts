// Where documents of a kind name the entity that they are. A document that says nothing there is nobody else's; one that names
// another entity is not taken for this one.
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node } from 'yaml';
import { Failure } from '../kernel/failure.js';
import { cutText } from '../kernel/storable.js';
import { namesOf, type Scope } from '../scopes/scope.js';
import { nameOf, type ParsedDocument } from './document-rules.js';
import type { PlainValue } from './plain-yaml.js';

/** JSON pointers (RFC 6901) to the fields that hold the names. */
export interface Identity {
  id?: string | undefined;
  org?: string | undefined;
  project?: string | undefined;
}

/** The entity that a document is meant to be. */
export interface Meant {
  scope: Scope;
  id: string;
}

const FOUND_MAX = 200;

/** @throws ENTITY_IDENTITY_MISMATCH with the place of the first field that names another entity */
export function assertIsMeant(
  { document, at }: ParsedDocument,
  identity: Identity,
  { scope, id }: Meant,
): void {
  const { org, project } = namesOf(scope);
  const expected = { id, org, project };
  for (const field of ['id', 'org', 'project'] as const) {
    const pointer = identity[field];
    const node = pointer === undefined ? undefined : find(document, pointer);
    const found = node === undefined ? undefined : textOf(node);
    if (found === undefined || found === expected[field]) continue;
    throw new Failure('ENTITY_IDENTITY_MISMATCH', {
      field,
      pointer: pointer as string,
      expected: expected[field] ?? null,
      found: cutText(found, FOUND_MAX),
      ...at(node?.range?.[0] ?? 0),
    });
  }
}

/** Whether whatever the document says of whom it is says so in texts; where it is not sure, `assertIsMeant` knows. */
export function isPlainlyMeant(
  value: PlainValue,
  identity: Identity | null | undefined,
  meant: Meant | null | undefined,
): boolean {
  if (!identity || !meant) return true;
  const { org, project } = namesOf(meant.scope);
  const expected = { id: meant.id, org, project };
  return (['id', 'org', 'project'] as const).every((field) => {
    const pointer = identity[field];
    const found = pointer === undefined ? null : findPlain(value, pointer);
    return found === null || (typeof found === 'string' && found === expected[field]);
  });
}

/** Null where there is nothing, or nothing is said. */
function findPlain(value: PlainValue, pointer: string): PlainValue {
  let found = value;
  for (const step of stepsOf(pointer)) {
    // In a sequence its steps are numbers: rare, and for whoever parses to follow.
    if (Array.isArray(found)) return found;
    if (found === null || typeof found !== 'object' || !Object.hasOwn(found, step)) return null;
    found = found[step] ?? null;
  }
  return found;
}

/** What it says, as it is written; undefined where it says nothing. What is no plain value names nobody rightly. */
function textOf(node: Node): string | undefined {
  if (!isScalar(node)) return isMap(node) ? 'a mapping' : 'a sequence';
  if (node.value === null) return undefined;
  return node.source ?? String(node.value as string | number | boolean);
}

function find(document: Document.Parsed, pointer: string): Node | undefined {
  const toNode = (value: unknown): Node | undefined => {
    const node = isAlias(value) ? value.resolve(document) : value;
    return isNode(node) ? node : undefined;
  };
  let node = toNode(document.contents);
  for (const step of stepsOf(pointer)) {
    if (isMap(node))
      node = toNode(node.items.find(({ key }) => isScalar(key) && nameOf(key) === step)?.value);
    else if (isSeq(node) && /^(0|[1-9][0-9]*)$/.test(step)) node = toNode(node.items[Number(step)]);
    else return undefined;
  }
  return node;
}

const stepsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
