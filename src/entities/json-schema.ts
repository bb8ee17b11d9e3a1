// A kind's JSON Schema (2020-12), compiled and applied. Schemas are the users' data: they load nothing from anywhere.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { isMap, isNode, isScalar, type Node } from 'yaml';
import { Failure } from '../kernel/failure.js';
import type { DocumentKind } from './document.js';
import { nameOf, type ParsedDocument } from './document-rules.js';

const COMPILED_MAX = 100;
const PROBLEMS_MAX = 20;
/** `ownProperties`: no document has a `constructor` that it does not write. */
const options = {
  strict: false,
  allErrors: true,
  validateFormats: false,
  logger: false,
  ownProperties: true,
} as const;
const compiled = new Map<string, ValidateFunction>();

/** @throws KIND_INVALID */
export function compileSchema(schema: unknown): ValidateFunction {
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema))
    throw new Failure('KIND_INVALID', { problem: 'The schema is not an object' });
  if ('$async' in schema)
    throw new Failure('KIND_INVALID', { problem: 'The schema must not be asynchronous' });
  try {
    return new Ajv2020(options).compile(schema);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Failure('KIND_INVALID', {
      problem: `The schema is not usable: ${(error as Error).message.slice(0, 500)}`,
    });
  }
}

/** @param value what a document says @throws KIND_INVALID */
export const fits = (value: unknown, kind: DocumentKind): boolean => recall(kind)(value) as boolean;

/** @throws ENTITY_INVALID with the place of every problem, KIND_INVALID */
export function assertFits(parsed: ParsedDocument, kind: DocumentKind): void {
  const validate = recall(kind);
  // Aliases have been counted already, all together and by what they expand to.
  if (validate(parsed.document.toJS({ maxAliasCount: -1 }))) return;
  const problems = (validate.errors ?? []).slice(0, PROBLEMS_MAX).map((error) => describe(error, parsed));
  throw new Failure('ENTITY_INVALID', { kind: kind.id, problems });
}

/** The compiled schema; the one used longest ago makes room. */
function recall({ revision, schema }: DocumentKind): ValidateFunction {
  const known = compiled.get(revision) ?? compileSchema(schema);
  compiled.delete(revision);
  compiled.set(revision, known);
  if (compiled.size > COMPILED_MAX) compiled.delete(compiled.keys().next().value as string);
  return known;
}

function describe({ instancePath, message, params }: ErrorObject, { document, at }: ParsedDocument) {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const extra = (params as { additionalProperty?: string }).additionalProperty;
  const place = find(document.contents as Node | null, steps, extra);
  const problem =
    extra === undefined ? (message ?? 'is not valid') : `must not have property ${JSON.stringify(extra)}`;
  return { path: instancePath, problem, ...at(place?.range?.[0] ?? 0) };
}

/** The node the steps lead to, and in it the key that should not be there. */
function find(root: Node | null, steps: string[], extra: string | undefined): Node | null {
  let node = root;
  for (const step of steps) {
    const items = (node as { items?: unknown[] } | null)?.items ?? [];
    const next = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && nameOf(key) === step)?.value
      : items[Number(step)];
    if (!isNode(next)) return node;
    node = next;
  }
  if (extra === undefined || !isMap(node)) return node;
  const pair = node.items.find(({ key }) => isScalar(key) && nameOf(key) === extra);
  return isNode(pair?.key) ? pair.key : node;
}
