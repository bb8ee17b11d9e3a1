// The OpenAPI document, made from the schemas that validate the requests.
import type { INestApplication } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { describeRoutes } from './described.js';
import { SESSION_COOKIE } from './session-cookie.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Parameter = { name: string; in: string; required?: boolean };
type Content = Record<string, { schema?: unknown }>;

const METHODS = ['get', 'put', 'post', 'delete'] as const;

export async function buildOpenApi(app: INestApplication, version: string): Promise<OpenAPIObject> {
  const { DocumentBuilder, SwaggerModule } = await describeRoutes();
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Sallyport')
    .setDescription('Keeps the YAML of your entities in Git, both ways.')
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addSecurity('bearer', { type: 'http', scheme: 'bearer' })
    .addSecurity('session', { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE })
    .addSecurityRequirements('bearer')
    .addSecurityRequirements('session')
    .build();
  const document = SwaggerModule.createDocument(app, description);
  for (const [path, item] of Object.entries(document.paths))
    for (const method of METHODS) {
      const operation = item[method];
      if (operation === undefined) continue;
      fitToPath(operation, method, path);
      nameContents(operation);
    }
  return document;
}

/** A controller serves a route under all three forms of a scope: each keeps the parameters that its own address has. */
function fitToPath(operation: Operation, method: string, path: string): void {
  const parameters = (operation.parameters ?? []) as Parameter[];
  const fitting = parameters.filter((one) => one.in !== 'path' || path.includes(`{${one.name}}`));
  for (const one of fitting) if (one.in === 'path') one.required = true;
  operation.parameters = fitting as never;
  const words = path.split('/').filter((word) => word !== '' && word !== 'api' && word !== 'v1');
  operation.operationId = [method, ...words.map((word) => word.replace(/[{}.]/g, ''))].join('-');
  // Only what belongs to an account can be another's.
  if (!path.includes('{account}')) delete operation.responses['403'];
}

/** The content types as they go over the line: a problem is problem+json, a bare file is text. */
function nameContents({ requestBody, responses }: Operation): void {
  const taken = (requestBody as { content?: Content } | undefined)?.content;
  if (taken?.['application/yaml'] !== undefined)
    taken['application/yaml'] = {
      schema: { type: 'string', description: 'The document itself; the fields of git go into the query' },
    };
  for (const response of Object.values(responses) as { content?: Content }[]) {
    const json = response.content?.['application/json'];
    const isProblem = (json?.schema as { $ref?: string } | undefined)?.$ref?.endsWith('/Problem');
    if (json !== undefined && isProblem === true) response.content = { 'application/problem+json': json };
  }
}
