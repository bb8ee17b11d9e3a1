// Cuts the slices in test/fixtures/openapi out of what npm packages have of the hosts' API descriptions: the operations that
// Sallyport uses, their query parameters and bodies, and no property besides. Run by hand, with a folder where the packages of
// docs/reference/api-descriptions.md are installed: node test/support/cut-api-descriptions.mjs FOLDER/node_modules
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const [folder = '.'] = process.argv.slice(2);
const fixtures = fileURLToPath(new URL('../fixtures/openapi', import.meta.url));
/** Nothing that is sent is deeper. */
const DEPTH_MAX = 4;

const packageOf = (name) => {
  const { version, license } = JSON.parse(fs.readFileSync(path.join(folder, name, 'package.json'), 'utf8'));
  return { source: `npm ${name} ${version}`, licence: license };
};

function write(name, slice) {
  fs.writeFileSync(path.join(fixtures, `${name}.json`), `${JSON.stringify(slice, null, 2)}\n`);
}

// --- OpenAPI as JSON: GitHub ---------------------------------------------------------------------------------------

function cutJson(title, name, file, operations) {
  const whole = JSON.parse(fs.readFileSync(path.join(folder, name, file), 'utf8'));
  const resolve = (item) => {
    if (item.$ref === undefined) return item;
    return item.$ref
      .slice(2)
      .split('/')
      .reduce((at, part) => at[part], whole);
  };
  const strict = (given) => {
    const {
      type,
      nullable,
      enum: values,
      items,
      properties,
      required,
      oneOf,
      anyOf,
      minItems,
    } = resolve(given);
    const choices = (oneOf ?? anyOf)?.map(strict);
    const schema = { ...(choices === undefined ? { type } : { anyOf: choices }) };
    if (nullable === true) schema.type = [type, 'null'];
    if (values !== undefined) schema.enum = values;
    if (minItems !== undefined) schema.minItems = minItems;
    if (items !== undefined) schema.items = strict(items);
    if (properties !== undefined) {
      schema.properties = Object.fromEntries(
        Object.entries(properties).map(([key, one]) => [key, strict(one)]),
      );
      if (required?.length > 0) schema.required = required;
      schema.additionalProperties = false;
    }
    return schema;
  };
  const paths = {};
  for (const [template, methods] of Object.entries(operations))
    for (const method of methods) {
      const described = whole.paths[template][method];
      const query = (described.parameters ?? []).map(resolve).filter((one) => one.in === 'query');
      const body = described.requestBody?.content['application/json']?.schema;
      const operation = {};
      if (query.length > 0)
        operation.query = Object.fromEntries(query.map((one) => [one.name, strict(one.schema)]));
      if (body !== undefined) operation.body = strict(body);
      (paths[template] ??= {})[method] = operation;
    }
  return { title, ...packageOf(name), paths };
}

write(
  'github',
  cutJson('GitHub', '@octokit/openapi', 'generated/api.github.com.json', {
    '/repos/{owner}/{repo}': ['get'],
    '/repos/{owner}/{repo}/branches/{branch}': ['get'],
    '/repos/{owner}/{repo}/pulls': ['get', 'post'],
    '/repos/{owner}/{repo}/pulls/{pull_number}': ['get', 'patch'],
    '/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers': ['post'],
    '/repos/{owner}/{repo}/hooks': ['get', 'post'],
    '/repos/{owner}/{repo}/hooks/{hook_id}': ['patch', 'delete'],
  }),
);

// --- types that were made from a description ------------------------------------------------------------------------

function open(name, file) {
  const place = path.resolve(folder, name, file);
  const program = ts.createProgram([place], { strict: true, skipLibCheck: true, types: [] });
  return { checker: program.getTypeChecker(), source: program.getSourceFile(place) };
}

function schemaOf(checker, type, depth = 0) {
  if (depth > DEPTH_MAX) return {};
  const { flags } = type;
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
  if (flags & ts.TypeFlags.BooleanLike) return { type: 'boolean' };
  if (flags & ts.TypeFlags.StringLike) return { type: 'string' };
  if (type.isUnion()) return unionOf(checker, type, depth);
  if (flags & ts.TypeFlags.NumberLike) return { type: 'number' };
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type);
    return { type: 'array', items: schemaOf(checker, item, depth + 1) };
  }
  // Dates are sent as text; functions are never sent.
  if (type.symbol?.name === 'Date') return { type: 'string' };
  return objectOf(checker, type, depth);
}

function unionOf(checker, type, depth) {
  const types = type.types.filter((one) => !(one.flags & ts.TypeFlags.Undefined));
  if (types.every((one) => one.isStringLiteral())) return { enum: types.map((one) => one.value) };
  if (types.every((one) => one.flags & ts.TypeFlags.BooleanLike)) return { type: 'boolean' };
  // A number and the names of some: an enumeration of TypeScript's.
  if (types.every((one) => one.flags & ts.TypeFlags.NumberLike)) return { type: ['integer', 'string'] };
  if (types.length === 1) return schemaOf(checker, types[0], depth);
  return { anyOf: types.map((one) => schemaOf(checker, one, depth)) };
}

function objectOf(checker, type, depth) {
  const members = checker.getPropertiesOfType(type);
  const open = checker.getIndexInfosOfType(type);
  if (members.length === 0 && open.length > 0)
    return { type: 'object', additionalProperties: schemaOf(checker, open[0].type, depth + 1) };
  const properties = {};
  for (const member of members)
    properties[member.name] = schemaOf(
      checker,
      checker.getNonNullableType(checker.getTypeOfSymbol(member)),
      depth + 1,
    );
  return { type: 'object', properties, additionalProperties: false };
}

const memberOf = (checker, type, name) => {
  const member = type === undefined ? undefined : checker.getPropertyOfType(type, name);
  return member === undefined ? undefined : checker.getNonNullableType(checker.getTypeOfSymbol(member));
};
const isNever = (type) =>
  type === undefined || Boolean(type.flags & (ts.TypeFlags.Never | ts.TypeFlags.Undefined));

function queryOf(checker, type) {
  if (isNever(type)) return {};
  const { properties } = objectOf(checker, type, 0);
  return Object.keys(properties).length === 0 ? {} : { query: properties };
}

/**
 * Of a body only what is named is kept, since types of Bitbucket hold half of the product; what is described elsewhere has a
 * schema of its own instead of its name. @throws where it is not described
 */
function keep(schema, names) {
  if (names === undefined) return schema;
  const properties = {};
  for (const named of names) {
    const [name, known] = typeof named === 'string' ? [named, schema.properties?.[named]] : named;
    if (known === undefined)
      throw new Error(`${name} is not described, only ${Object.keys(schema.properties ?? {}).join(', ')}`);
    properties[name] = known;
  }
  return { type: 'object', properties, additionalProperties: false };
}

/** Types of openapi-typescript: Bitbucket. `prefix` is what the description has in front of the API's address. */
function cutPaths(title, { file, prefix = '', hookBody, more = {} }, operations) {
  const name = '@coderabbitai/bitbucket';
  const { checker, source } = open(name, file);
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
  const typeOf = (named) => checker.getDeclaredTypeOfSymbol(exported.find((one) => one.name === named));
  const all = typeOf('paths');
  const schemas = memberOf(checker, typeOf('components'), 'schemas');
  const paths = {};
  for (const [template, methods] of Object.entries(operations))
    for (const [method, names] of Object.entries(methods)) {
      const operation = memberOf(checker, memberOf(checker, all, prefix + template), method);
      if (isNever(operation)) throw new Error(`${method} ${template} is not described`);
      const parameters = memberOf(checker, operation, 'parameters');
      const query = memberOf(checker, parameters, 'query');
      const content = memberOf(checker, memberOf(checker, operation, 'requestBody'), 'content');
      const isOfHook = names === hookBody?.names;
      const body =
        memberOf(checker, content, 'application/json') ??
        (isOfHook && names !== undefined ? memberOf(checker, schemas, hookBody.schema) : undefined);
      const described = { ...queryOf(checker, query).query, ...more[`${method} ${template}`] };
      (paths[template] ??= {})[method] = {
        ...(Object.keys(described).length === 0 ? {} : { query: described }),
        ...(isNever(body) ? {} : { body: keep(schemaOf(checker, body), names) }),
      };
    }
  return { title, ...packageOf(name), paths };
}

const CLOUD = '/repositories/{workspace}/{repo_slug}';
// The description of the API leaves this one out; its documentation has it in the examples of how a request is opened.
const DESCRIPTION = ['description', { type: 'string' }];
const CLOUD_PULL = [
  'title',
  DESCRIPTION,
  'draft',
  'source',
  'destination',
  'close_source_branch',
  'reviewers',
];
const CLOUD_HOOK = ['description', 'url', 'active', 'secret', 'events'];
// Pages and filters are described in words alone, for all lists at once; and of a webhook only what is answered has a schema.
const PAGES = { pagelen: { type: 'number' }, page: { type: 'string' } };
const CLOUD_WAYS = {
  file: 'dist/cloud/openapi/openapi-typescript.d.ts',
  hookBody: { names: CLOUD_HOOK, schema: 'webhook_subscription' },
  more: {
    [`get ${CLOUD}/pullrequests`]: { ...PAGES, q: { type: 'string' } },
    [`get ${CLOUD}/hooks`]: PAGES,
  },
};
write(
  'bitbucket-cloud',
  cutPaths('Bitbucket Cloud', CLOUD_WAYS, {
    [CLOUD]: { get: undefined },
    [`${CLOUD}/refs/branches/{name}`]: { get: undefined },
    [`${CLOUD}/pullrequests`]: { get: undefined, post: CLOUD_PULL },
    [`${CLOUD}/pullrequests/{pull_request_id}`]: { get: undefined, put: CLOUD_PULL },
    [`${CLOUD}/pullrequests/{pull_request_id}/decline`]: { post: undefined },
    [`${CLOUD}/hooks`]: { get: undefined, post: CLOUD_HOOK },
    [`${CLOUD}/hooks/{uid}`]: { put: CLOUD_HOOK, delete: undefined },
  }),
);

const DC = '/projects/{projectKey}/repos/{repositorySlug}';
const DC_PULL = ['title', 'description', 'draft', 'fromRef', 'toRef', 'reviewers'];
const DC_HOOK = ['name', 'url', 'active', 'events', 'configuration', 'sslVerificationRequired'];
const DC_WAYS = {
  file: 'dist/server/openapi/openapi-typescript.d.ts',
  prefix: '/api/latest',
  // Its answer is a page like all others, and the description leaves out how to ask for the next.
  more: { [`get ${DC}/webhooks`]: { start: { type: 'number' } } },
};
write(
  'bitbucket-dc',
  cutPaths('Bitbucket Data Center', DC_WAYS, {
    [DC]: { get: undefined },
    [`${DC}/default-branch`]: { get: undefined },
    [`${DC}/branches`]: { get: undefined },
    [`${DC}/pull-requests`]: { get: undefined, post: DC_PULL },
    [`${DC}/pull-requests/{pullRequestId}`]: { get: undefined },
    [`${DC}/pull-requests/{pullRequestId}/decline`]: { post: undefined },
    [`${DC}/pull-requests/{pullRequestId}/participants`]: { post: ['user', 'role'] },
    [`${DC}/webhooks`]: { get: undefined, post: DC_HOOK },
    [`${DC}/webhooks/{webhookId}`]: { put: DC_HOOK, delete: undefined },
  }),
);

/** Types of swagger-typescript-api, where a comment says which request a method sends: Gitea and Forgejo. */
function cutMethods(title, name, operations) {
  const { checker, source } = open(name, 'dist/index.d.ts');
  const methods = new Map();
  const visit = (node) => {
    const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === 'request');
    if (tag !== undefined && ts.isPropertySignature(node)) methods.set(String(tag.comment), node.type);
    else if (tag !== undefined && ts.isPropertyDeclaration(node)) methods.set(String(tag.comment), node.type);
    ts.forEachChild(node, visit);
  };
  visit(source);
  const paths = {};
  for (const [template, used] of Object.entries(operations))
    for (const method of used) {
      const described = methods.get(`${method.toUpperCase()}:${template}`);
      if (described === undefined) throw new Error(`${method} ${template} is not described`);
      const typeOf = (wanted) => {
        const parameter = described.parameters.find((one) => one.name.getText() === wanted);
        return parameter === undefined
          ? undefined
          : checker.getNonNullableType(checker.getTypeAtLocation(parameter));
      };
      const body = typeOf('body') ?? typeOf('data');
      (paths[template] ??= {})[method] = {
        ...queryOf(checker, typeOf('query')),
        ...(body === undefined ? {} : { body: schemaOf(checker, body) }),
      };
    }
  return { title, ...packageOf(name), paths };
}

for (const [title, name, file] of [
  ['Gitea', 'gitea-js', 'gitea'],
  ['Forgejo', 'forgejo-js', 'forgejo'],
])
  write(
    file,
    cutMethods(title, name, {
      '/repos/{owner}/{repo}': ['get'],
      '/repos/{owner}/{repo}/branches/{branch}': ['get'],
      '/repos/{owner}/{repo}/pulls': ['get', 'post'],
      '/repos/{owner}/{repo}/pulls/{index}': ['get', 'patch'],
      '/repos/{owner}/{repo}/pulls/{index}/requested_reviewers': ['post'],
      '/repos/{owner}/{repo}/pulls/{base}/{head}': ['get'],
      '/repos/{owner}/{repo}/hooks': ['get', 'post'],
      '/repos/{owner}/{repo}/hooks/{id}': ['patch', 'delete'],
    }),
  );
