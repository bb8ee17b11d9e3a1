// The comparison of OpenAPI documents finds what would break somebody, each kind of it planted, and lets pass what breaks nobody.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../support/api.js';
import { breachesOf } from '../../support/openapi-compatibility.js';

const document = (): Json => ({
  openapi: '3.1.0',
  security: [{ bearer: [] }],
  paths: {
    '/things/{id}': {
      put: {
        operationId: 'put-thing',
        parameters: [
          { in: 'path', name: 'id', required: true, schema: { type: 'string' } },
          { in: 'query', name: 'how', required: false, schema: { type: 'string', enum: ['a', 'b'] } },
        ],
        requestBody: {
          required: false,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Wish' } } },
        },
        responses: {
          200: {
            headers: { ETag: { schema: { type: 'string' } } },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          404: { content: { 'application/problem+json': { schema: { type: 'object' } } } },
        },
      },
      get: { operationId: 'get-thing', security: [{}], responses: { 204: {} } },
    },
  },
  components: {
    schemas: {
      Wish: {
        type: 'object',
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 10 },
          size: { type: 'number' },
          to: { oneOf: [{ const: 'here' }, { type: 'object', properties: { at: { type: 'string' } } }] },
          tags: { type: 'array', items: { type: 'string' } },
        },
        required: ['name'],
        additionalProperties: false,
      },
      Thing: {
        type: 'object',
        properties: {
          id: { type: 'string' },
          state: { type: 'string', enum: ['new', 'old'] },
          parent: { anyOf: [{ $ref: '#/components/schemas/Thing' }, { type: 'null' }] },
          labels: { type: 'object', additionalProperties: { type: 'string' } },
        },
        required: ['id', 'state'],
      },
    },
  },
});

const putOf = (it: Json): Json => it.paths['/things/{id}'].put;
const wishOf = (it: Json): Json => it.components.schemas.Wish;
const thingOf = (it: Json): Json => it.components.schemas.Thing;

describe('a broken promise is found', () => {
  const planted: [what: string, change: (it: Json) => void, found: RegExp][] = [
    ['a removed path', (it) => delete it.paths['/things/{id}'], /^PUT \/things\/\{id\}: the route is gone$/],
    ['a removed method', (it) => delete it.paths['/things/{id}'].get, /^GET .+: the route is gone$/],
    ['another operation id', (it) => (putOf(it).operationId = 'x'), /operation id is another/],
    ['a credential', (it) => delete it.paths['/things/{id}'].get.security, /needs a credential now/],
    ['a removed parameter', (it) => putOf(it).parameters.pop(), /query parameter how is gone/],
    [
      'a new required parameter',
      (it) => putOf(it).parameters.push({ in: 'query', name: 'new', required: true, schema: {} }),
      /query parameter new is new and required/,
    ],
    [
      'a parameter that is required',
      (it) => (putOf(it).parameters[1].required = true),
      /how is required now/,
    ],
    ['a narrower enum', (it) => putOf(it).parameters[1].schema.enum.pop(), /how may not be b any more/],
    ['an enum', (it) => (wishOf(it).properties.name.enum = ['x']), /name may not be anything any more/],
    ['a body that is required', (it) => (putOf(it).requestBody.required = true), /a body is required now/],
    ['no body', (it) => delete putOf(it).requestBody, /takes no body any more/],
    [
      'another media type',
      (it) => (putOf(it).requestBody.content = { 'text/plain': {} }),
      /body as application\/json is gone/,
    ],
    ['a removed field of a request', (it) => delete wishOf(it).properties.size, /body\.size is gone/],
    ['a field that is required', (it) => wishOf(it).required.push('size'), /body\.size is required now/],
    [
      'a new required field',
      (it) => {
        wishOf(it).properties.more = { type: 'string' };
        wishOf(it).required.push('more');
      },
      /body\.more is new and required/,
    ],
    ['another type', (it) => (wishOf(it).properties.name.type = 'integer'), /name is integer and was string/],
    [
      'a narrower type',
      (it) => (wishOf(it).properties.size.type = 'integer'),
      /size is integer and was number/,
    ],
    ['a tighter bound', (it) => (wishOf(it).properties.name.maxLength = 9), /name has a tighter maxLength/],
    ['a new bound', (it) => (wishOf(it).properties.size.minimum = 0), /size has a tighter minimum/],
    ['a new pattern', (it) => (wishOf(it).properties.name.pattern = '^x'), /name has a tighter pattern/],
    ['a form fewer', (it) => wishOf(it).properties.to.oneOf.pop(), /body\.to/],
    [
      'other items',
      (it) => (wishOf(it).properties.tags.items.type = 'number'),
      /tags\[\] is number and was string/,
    ],
    ['a removed answer', (it) => delete putOf(it).responses[200], /answer 200 is gone/],
    ['a removed header', (it) => delete putOf(it).responses[200].headers.ETag, /no header ETag any more/],
    ['a removed field of an answer', (it) => delete thingOf(it).properties.id, /answer 200\.id is gone/],
    ['a field that may be missing', (it) => thingOf(it).required.pop(), /state may be missing now/],
    [
      'an answer’s field that may be null',
      (it) => (thingOf(it).properties.id.type = ['string', 'null']),
      /id is string or null and was string/,
    ],
    [
      'another type of an answer',
      (it) => (thingOf(it).properties.id.type = 'number'),
      /id is number and was string/,
    ],
    [
      'an answer that may be anything',
      (it) => delete thingOf(it).properties.state.enum,
      /state may be anything now/,
    ],
    [
      'one more form of an answer',
      (it) => thingOf(it).properties.parent.anyOf.push({ type: 'string' }),
      /parent has a form that the other document has not/,
    ],
    [
      'another type of named fields',
      (it) => (thingOf(it).properties.labels.additionalProperties.type = 'number'),
      /labels\.\* is number and was string/,
    ],
  ];

  it.each(planted)('%s', (_, change, found) => {
    const after = document();
    change(after);
    const breaches = breachesOf(document(), after);
    expect(breaches).toEqual(expect.arrayContaining([expect.stringMatching(found)]));
  });
});

describe('what breaks nobody passes', () => {
  const harmless: [what: string, change: (it: Json) => unknown][] = [
    ['nothing', () => undefined],
    ['a new route', (it) => (it.paths['/others'] = { get: { responses: {} } })],
    ['a new optional parameter', (it) => putOf(it).parameters.push({ in: 'query', name: 'new', schema: {} })],
    ['a wider enum', (it) => putOf(it).parameters[1].schema.enum.push('c')],
    ['a new optional field of a request', (it) => (wishOf(it).properties.more = { type: 'string' })],
    ['a field that is not required any more', (it) => wishOf(it).required.pop()],
    ['a looser bound', (it) => (wishOf(it).properties.name.maxLength = 11)],
    ['no bound', (it) => delete wishOf(it).properties.name.minLength],
    ['one more form of a request', (it) => wishOf(it).properties.to.oneOf.push({ type: 'number' })],
    ['a new field of an answer', (it) => (thingOf(it).properties.more = { type: 'string' })],
    ['a new value of an answer', (it) => thingOf(it).properties.state.enum.push('gone')],
    ['a field that is never missing any more', (it) => thingOf(it).required.push('labels')],
    ['a new answer', (it) => (putOf(it).responses[202] = {})],
    ['a problem fewer', (it) => delete putOf(it).responses[404]],
    ['other words', (it) => (putOf(it).summary = 'Other words')],
  ];

  it.each(harmless)('%s', (_, change) => {
    const after = document();
    change(after);
    expect(breachesOf(document(), after)).toEqual([]);
  });
});
