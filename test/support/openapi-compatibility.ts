// What a new OpenAPI document breaks for those who rely on an older one. Strict: what is not known to be harmless is reported.
// Harmless are new routes, new optional parameters and fields of requests, new fields of answers, and new values of an answer's enum.

// oxlint-disable-next-line typescript/no-explicit-any -- documents of any form are walked
type Json = any;

type Direction = 'request' | 'answer';

interface Walk {
  before: Json;
  after: Json;
  direction: Direction;
  /** Pairs of references that are being compared further up. */
  open: Set<string>;
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'];

/** A line for each thing that is broken; none where nothing is. */
export function breachesOf(before: Json, after: Json): string[] {
  return Object.entries<Json>(before.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).flatMap((method) => {
      const where = `${method.toUpperCase()} ${path}`;
      const now = after.paths[path]?.[method];
      if (now === undefined) return [`${where}: the route is gone`];
      return compareOperations({ before, after }, item[method], now).map((breach) => `${where}: ${breach}`);
    }),
  );
}

function compareOperations(documents: Pick<Walk, 'before' | 'after'>, old: Json, now: Json): string[] {
  const asks: Walk = { ...documents, direction: 'request', open: new Set() };
  const answers: Walk = { ...documents, direction: 'answer', open: new Set() };
  return [
    ...(old.operationId === now.operationId ? [] : ['its operation id is another']),
    ...compareSecurity(old.security ?? documents.before.security, now.security ?? documents.after.security),
    ...compareParameters(asks, old.parameters ?? [], now.parameters ?? []),
    ...compareBodies(asks, old.requestBody, now.requestBody),
    ...compareAnswers(answers, old.responses, now.responses),
  ];
}

const isOpen = (security: Json): boolean =>
  security === undefined || security.some((one: object) => Object.keys(one).length === 0);

const compareSecurity = (old: Json, now: Json): string[] =>
  isOpen(old) && !isOpen(now) ? ['it needs a credential now'] : [];

function compareParameters(walk: Walk, old: Json[], now: Json[]): string[] {
  const keyOf = ({ in: place, name }: Json): string => `${place} parameter ${name}`;
  const known = new Map(old.map((one) => [keyOf(one), one]));
  const current = new Map(now.map((one) => [keyOf(one), one]));
  const gone = [...known.keys()].filter((key) => !current.has(key)).map((key) => `${key} is gone`);
  const others = [...current].flatMap(([key, one]) => {
    const former = known.get(key);
    if (former === undefined) return one.required === true ? [`${key} is new and required`] : [];
    const stricter = one.required === true && former.required !== true ? [`${key} is required now`] : [];
    return [...stricter, ...compareSchemas(walk, key, former.schema, one.schema)];
  });
  return [...gone, ...others];
}

function compareBodies(walk: Walk, old: Json, now: Json): string[] {
  if (old === undefined) return now?.required === true ? ['a body is required now'] : [];
  if (now === undefined) return ['it takes no body any more'];
  const stricter = now.required === true && old.required !== true ? ['a body is required now'] : [];
  return [...stricter, ...compareContents(walk, 'body', old.content, now.content)];
}

function compareAnswers(walk: Walk, old: Json, now: Json): string[] {
  return Object.entries<Json>(old).flatMap(([status, answer]) => {
    const current = now[status];
    if (current === undefined) return Number(status) < 400 ? [`answer ${status} is gone`] : [];
    const headers = Object.keys(answer.headers ?? {}).filter((name) => current.headers?.[name] === undefined);
    return [
      ...headers.map((name) => `answer ${status} has no header ${name} any more`),
      ...compareContents(walk, `answer ${status}`, answer.content ?? {}, current.content ?? {}),
    ];
  });
}

function compareContents(walk: Walk, where: string, old: Json, now: Json): string[] {
  return Object.entries<Json>(old).flatMap(([type, { schema }]) =>
    now[type] === undefined
      ? [`${where} as ${type} is gone`]
      : compareSchemas(walk, where, schema, now[type].schema),
  );
}

/** What whoever sends by the old schema, or reads by it, would meet. */
function compareSchemas(walk: Walk, where: string, old: Json = {}, now: Json = {}): string[] {
  const key = `${old.$ref ?? ''} ${now.$ref ?? ''}`;
  const isReference = old.$ref !== undefined || now.$ref !== undefined;
  if (isReference && walk.open.has(key)) return [];
  if (isReference) walk.open.add(key);
  try {
    return compareForms(walk, where, resolve(walk.before, old), resolve(walk.after, now));
  } finally {
    if (isReference) walk.open.delete(key);
  }
}

function resolve(document: Json, schema: Json): Json {
  if (schema.$ref === undefined) return schema;
  const steps: string[] = schema.$ref.slice(2).split('/');
  const found = steps.reduce((at, step) => at[step.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  return resolve(document, found);
}

function compareForms(walk: Walk, where: string, old: Json, now: Json): string[] {
  if (variantsOf(old) !== undefined || variantsOf(now) !== undefined)
    return compareVariants(walk, where, variantsOf(old) ?? [old], variantsOf(now) ?? [now]);
  return [
    ...compareTypes(walk, where, old, now),
    ...compareValues(walk, where, old, now),
    ...(walk.direction === 'request' ? compareBounds(where, old, now) : []),
    ...compareFields(walk, where, old, now),
    ...(old.items === undefined ? [] : compareSchemas(walk, `${where}[]`, old.items, now.items)),
    ...compareOthers(walk, where, old, now),
  ];
}

const variantsOf = ({ anyOf, oneOf, allOf }: Json): Json[] | undefined =>
  anyOf ?? oneOf ?? (allOf?.length === 1 ? allOf : undefined);

/** Of a request, each old variant must be taken by a new one; of an answer, each new one be an old one. */
function compareVariants(walk: Walk, where: string, old: Json[], now: Json[]): string[] {
  const [wanted, offered] = walk.direction === 'request' ? [old, now] : [now, old];
  return wanted.flatMap((one) => {
    const ways = offered.map((other) =>
      walk.direction === 'request'
        ? compareSchemas(walk, where, one, other)
        : compareSchemas(walk, where, other, one),
    );
    if (ways.some((breaches) => breaches.length === 0)) return [];
    const [only = []] = ways.length === 1 ? ways : [];
    return only.length > 0 ? only : [`${where} has a form that the other document has not`];
  });
}

const typesOf = (schema: Json): string[] => [schema.type ?? []].flat();

function compareTypes({ direction }: Walk, where: string, old: Json, now: Json): string[] {
  const [wanted, offered] = direction === 'request' ? [old, now] : [now, old];
  if (typesOf(offered).length === 0) return [];
  const isTaken = (type: string): boolean =>
    typesOf(offered).includes(type) || (type === 'integer' && typesOf(offered).includes('number'));
  const isSame = typesOf(wanted).length > 0 && typesOf(wanted).every(isTaken);
  return isSame ? [] : [`${where} is ${told(now)} and was ${told(old)}`];
}

const told = (schema: Json): string => typesOf(schema).join(' or ') || 'of any type';

const valuesOf = ({ enum: values, const: only }: Json): Json[] | undefined =>
  values ?? (only === undefined ? undefined : [only]);

function compareValues({ direction }: Walk, where: string, old: Json, now: Json): string[] {
  const [former, current] = [valuesOf(old), valuesOf(now)];
  if (direction === 'answer')
    return former !== undefined && current === undefined ? [`${where} may be anything now`] : [];
  if (current === undefined) return [];
  if (former === undefined) return [`${where} may not be anything any more`];
  const gone = former.filter((value) => !current.includes(value));
  return gone.length === 0 ? [] : [`${where} may not be ${gone.join(', ')} any more`];
}

const LEAST = ['minLength', 'minimum', 'exclusiveMinimum', 'minItems', 'minProperties'];
const MOST = ['maxLength', 'maximum', 'exclusiveMaximum', 'maxItems', 'maxProperties'];
const FORMS = ['pattern', 'format', 'multipleOf', 'uniqueItems'];

function compareBounds(where: string, old: Json, now: Json): string[] {
  const isTighter = (name: string): boolean => {
    if (now[name] === undefined) return false;
    if (old[name] === undefined) return true;
    return LEAST.includes(name) ? now[name] > old[name] : now[name] < old[name];
  };
  const isOther = (name: string): boolean => now[name] !== undefined && now[name] !== old[name];
  return [...[...LEAST, ...MOST].filter(isTighter), ...FORMS.filter(isOther)].map(
    (name) => `${where} has a tighter ${name}`,
  );
}

function compareFields(walk: Walk, where: string, old: Json, now: Json): string[] {
  const [former, current] = [old.properties ?? {}, now.properties ?? {}];
  const [needed, needs] = [new Set(old.required ?? []), new Set(now.required ?? [])];
  const isRequest = walk.direction === 'request';
  const fields = Object.entries<Json>(former).flatMap(([name, schema]) => {
    const at = `${where}.${name}`;
    if (current[name] === undefined) return isRequest && isLoose(now) ? [] : [`${at} is gone`];
    const is = isRequest
      ? needs.has(name) && !needed.has(name) && 'is required now'
      : needed.has(name) && !needs.has(name) && 'may be missing now';
    return [...(is === false ? [] : [`${at} ${is}`]), ...compareSchemas(walk, at, schema, current[name])];
  });
  const added = [...needs].filter((name) => isRequest && former[name as string] === undefined);
  return [...fields, ...added.map((name) => `${where}.${String(name)} is new and required`)];
}

const isLoose = ({ additionalProperties }: Json): boolean => additionalProperties !== false;

/** Fields without a name of their own. */
function compareOthers(walk: Walk, where: string, old: Json, now: Json): string[] {
  const [former, current] = [old.additionalProperties, now.additionalProperties];
  if (walk.direction === 'request' && current === false && former !== false && old.properties !== undefined)
    return [`${where} takes no other fields any more`];
  const areSchemas = typeof former === 'object' && typeof current === 'object';
  return areSchemas ? compareSchemas(walk, `${where}.*`, former, current) : [];
}
