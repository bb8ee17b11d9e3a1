// What a document of a kind begins with: what its schema requires, for somebody to fill in.
interface Part {
  type?: unknown;
  const?: unknown;
  default?: unknown;
  enum?: readonly unknown[];
  minimum?: number;
}

const PLAIN = /^[A-Za-z_][\w-]*$/;

export function beginningOf(schema: Record<string, unknown>): string {
  const { required = [], properties = {} } = schema as {
    required?: readonly string[];
    properties?: Record<string, Part>;
  };
  return required
    .map((key) => `${PLAIN.test(key) ? key : JSON.stringify(key)}: ${valueOf(properties[key] ?? {})}\n`)
    .join('');
}

const empty: Record<string, string> = { boolean: 'false', array: '[]', object: '{}' };

/** As YAML; nothing where only its author knows. */
function valueOf(part: Part): string {
  const known = part.const ?? part.default ?? part.enum?.[0];
  if (known !== undefined) return JSON.stringify(known);
  const type = String(part.type);
  return type === 'integer' || type === 'number' ? String(part.minimum ?? 0) : (empty[type] ?? '');
}
