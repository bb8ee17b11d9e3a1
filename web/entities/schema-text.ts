// A kind’s schema as people write it: JSON, or YAML, which holds it; and where in it stands what the manager does not take.
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { LineProblem } from '../editor/line-problems.js';
import { yamlProblemsOf } from '../editor/yaml-problems.js';

export type ReadSchema = { schema: Record<string, unknown> } | { problems: LineProblem[] };

export function readSchema(text: string): ReadSchema {
  const problems = yamlProblemsOf(text);
  if (problems.length > 0) return { problems };
  const schema: unknown = parseDocument(text).toJS();
  return typeof schema === 'object' && schema !== null && !Array.isArray(schema)
    ? { schema: schema as Record<string, unknown> }
    : { problems: [{ line: 1, column: 1, message: 'A schema is an object, such as {"type": "object"}' }] };
}

export const writeSchema = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`;

/** As Ajv says them: `data/properties/image/type must be array`. */
const PLACE = /\bdata((?:\/[^\s,;]+)*) (must [^,;]+)/g;
const REFERENCE = /reference (\S+)/;

/** Every place that the refusal names, once; the first line where it names none. */
export function schemaProblemsOf(detail: string, text: string): LineProblem[] {
  const said = Map.groupBy(detail.matchAll(PLACE), ([, pointer = '']) => pointer);
  if (said.size === 0) return [{ ...placeOfWord(detail, text), message: detail }];
  return [...said].map(([pointer, all]) => ({
    ...placeOfPointer(pointer, text),
    message: [...new Set(all.map(([, , what = '']) => what))].join(', or '),
  }));
}

type Place = Pick<LineProblem, 'line' | 'column'>;

function placeOfPointer(pointer: string, text: string): Place {
  const steps = pointer.split('/').slice(1);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const node = document.getIn(
    steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
    true,
  );
  return placeAt(isNode(node) ? (node.range?.[0] ?? 0) : 0, lineCounter);
}

/** Of a reference that leads nowhere. */
function placeOfWord(detail: string, text: string): Place {
  const lineCounter = new LineCounter();
  parseDocument(text, { lineCounter });
  const word = REFERENCE.exec(detail)?.[1];
  return placeAt(word === undefined ? 0 : Math.max(0, text.indexOf(word)), lineCounter);
}

function placeAt(offset: number, lines: LineCounter): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
