// What the OpenAPI document says of a route beside its schemas. It waits until somebody asks for the document: the package that
// makes it of decorators brings hundreds of modules, and nobody should wait for them before the manager listens.

type Swagger = typeof import('@nestjs/swagger');

const waiting: ((swagger: Swagger) => void)[] = [];

/** A method with these decorators of @nestjs/swagger, applied in their order. */
export function Described(decorators: (swagger: Swagger) => MethodDecorator[]): MethodDecorator {
  return (target, key, descriptor) => {
    waiting.push((swagger) => {
      for (const decorate of decorators(swagger)) decorate(target, key, descriptor);
    });
  };
}

/** Describes every route that waits for it. */
export async function describeRoutes(): Promise<Swagger> {
  const swagger = await import('@nestjs/swagger');
  for (const describe of waiting) describe(swagger);
  waiting.length = 0;
  return swagger;
}
