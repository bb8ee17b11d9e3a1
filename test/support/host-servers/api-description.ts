// Holds a request against a slice of an API's OpenAPI description: method and path, every query parameter and every property of
// the body have to be described, and to be of the described type. What is not described is a problem, whatever OpenAPI says.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { HostRequest } from './host-server.js';

interface Operation {
  /** By name; the schema of the text as the parameter's type reads it. */
  query?: Record<string, object>;
  required?: string[];
  body?: object;
}

/** Paths with their parameters in braces, and for each its methods in lower case. */
export interface ApiDescription {
  title: string;
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas: Record<string, object> };
}

export function readDescription(name: string): ApiDescription {
  const file = fileURLToPath(new URL(`../../fixtures/openapi/${name}.json`, import.meta.url));
  return JSON.parse(fs.readFileSync(file, 'utf8')) as ApiDescription;
}

const ajv = new Ajv2020({ strict: false, validateFormats: false, coerceTypes: false });
const compiled = new WeakMap<object, ValidateFunction>();

/** Nothing where all of it is described. */
export function problemsOf(description: ApiDescription, request: HostRequest): string[] {
  const { method, path, query, body } = request;
  const place = `${method} ${path}`;
  const found = Object.entries(description.paths).find(([template]) => matches(template, path));
  if (found === undefined) return [`${place} is no path of ${description.title}`];
  const operation = found[1][method.toLowerCase()];
  if (operation === undefined) return [`${place}: ${found[0]} has no such method`];
  return [
    ...problemsOfQuery(operation, query).map((problem) => `${place}: ${problem}`),
    ...problemsOfBody(operation, body).map((problem) => `${place}: ${problem}`),
  ];
}

/** A branch at the end of a path may have slashes. */
function matches(template: string, path: string): boolean {
  const parts = template.split(/\{[^}]*\}/).map((part) => part.replace(/[.*+?^$()[\]|\\]/g, '\\$&'));
  const endsOpen = ['{branch}', '{head}', '{name}'].some((end) => template.endsWith(end));
  const last = parts.pop() ?? '';
  const head = parts.join('[^/]+');
  const whole = endsOpen ? `${head}.+` : [...parts, last].join('[^/]+');
  return new RegExp(`^${whole}$`).test(path);
}

function problemsOfQuery(
  { query: known = {}, required = [] }: Operation,
  query: Record<string, string>,
): string[] {
  const unknown = Object.keys(query).filter((name) => !Object.hasOwn(known, name));
  const missing = required.filter((name) => !Object.hasOwn(query, name));
  const wrong = Object.entries(query).filter(
    ([name, text]) => known[name] !== undefined && !validatorOf(known[name])(valueOf(known[name], text)),
  );
  return [
    ...unknown.map((name) => `query parameter ${name} is not described`),
    ...missing.map((name) => `query parameter ${name} is missing`),
    ...wrong.map(([name, text]) => `query parameter ${name} may not be ${text}`),
  ];
}

function problemsOfBody({ body: schema }: Operation, body: unknown): string[] {
  if (schema === undefined) return body === undefined ? [] : ['a body is not described'];
  if (body === undefined) return ['the body is missing'];
  const validate = validatorOf(schema);
  return validate(body)
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, message, params }) =>
          `body${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
      );
}

function validatorOf(schema: object): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = ajv.compile(schema);
  compiled.set(schema, made);
  return made;
}

function valueOf(schema: object, text: string): unknown {
  const { type } = schema as { type?: string };
  if ((type === 'integer' || type === 'number') && /^-?\d+$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
