// The OpenAPI document, made from the schemas that validate the requests.
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Parameter = { name: string; in: string; required?: boolean };

const METHODS = ['get', 'put', 'post', 'delete'] as const;

export function buildOpenApi(app: INestApplication, version: string): OpenAPIObject {
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Sallyport')
    .setDescription('Keeps the YAML of your entities in Git, both ways.')
    .setVersion(version)
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, description);
  for (const [path, item] of Object.entries(document.paths))
    for (const method of METHODS) {
      const operation = item[method];
      if (operation !== undefined) fitToPath(operation, method, path);
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
}
