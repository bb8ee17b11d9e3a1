// A client that believes no answer which the API's own description does not announce: every answer it passes on has been
// compared with the OpenAPI document, by status, content type, headers, schema and code.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Answer, Api } from './api.js';

// oxlint-disable-next-line typescript/no-explicit-any -- the document is data
type Json = any;

export interface Route {
  method: string;
  /** `/api/v1/accounts/{account}` */
  path: string;
  operation: Json;
}

export interface Answered {
  token: string;
  method: string;
  /** As in the document. */
  path: string;
  address: string;
  sent: Json;
  answer: Answer;
}

export class ApiDocument {
  readonly routes: Route[];
  /** `GET /api/v1/health 200`, for every answer that was compared. */
  readonly seen = new Set<string>();
  /** All that was answered, in order. */
  readonly answered: Answered[] = [];
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(readonly json: Json) {
    this.#ajv.addSchema(json, 'document', undefined, false);
    this.routes = Object.entries<Json>(json.paths).flatMap(([path, item]) =>
      Object.entries<Json>(item).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        operation,
      })),
    );
  }

  static async read(api: Api): Promise<ApiDocument> {
    return new ApiDocument(await api.ok('GET', 'openapi.json'));
  }

  /** The route that this request reaches; its path as in the document. */
  find(method: string, address: string): Route | undefined {
    const path = `/api/v1/${address.split('?')[0]}`;
    return this.routes.find((route) => {
      const pattern = route.path.replaceAll('$', '\\$').replace(/\{\w+\}/g, '[^/]+');
      return route.method === method && new RegExp(`^${pattern}$`).test(path);
    });
  }

  /** What about the answer is not as described. */
  faultsOf({ method, path, operation }: Route, { status, headers, text, body }: Answer): string[] {
    const described = operation.responses[status];
    if (described === undefined) return [`${status} is not described`];
    this.seen.add(`${method} ${path} ${status}`);
    const faults = ['etag', 'location']
      .filter((name) => !allows(described.headers, name, headers.has(name)))
      .map((name) => `header ${name}`);
    const type = (headers.get('content-type') ?? '').split(';')[0] as string;
    if (described.content === undefined) return text === '' ? faults : [...faults, 'it has a body'];
    if (!Object.hasOwn(described.content, type)) return [...faults, `content type ${type}`];
    if (status >= 400 && type.includes('problem') && !described.description.includes(`${body.code}:`))
      faults.push(`code ${body.code}`);
    if (status >= 400 && type.includes('problem') && body.status !== status) faults.push('its own status');
    const steps = ['paths', path, method.toLowerCase(), 'responses', status, 'content', type, 'schema'];
    const validate = this.compile(steps.map(String));
    return validate(body) ? faults : [...faults, JSON.stringify(validate.errors)];
  }

  /** A schema of the document by the way to it. */
  compile(steps: string[]): ValidateFunction {
    const pointer = steps
      .map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/');
    const validate = this.#compiled.get(pointer) ?? this.#ajv.compile({ $ref: `document#/${pointer}` });
    this.#compiled.set(pointer, validate);
    return validate;
  }
}

/** A header that is required is there, and one that is not named is not. */
function allows(headers: object | undefined, name: string, isThere: boolean): boolean {
  const named = Object.entries<Json>(headers ?? {}).find(([one]) => one.toLowerCase() === name);
  return isThere ? named !== undefined : named?.[1].required !== true;
}

export class DocumentedApi extends Api {
  constructor(
    url: string,
    token: string,
    readonly document: ApiDocument,
  ) {
    super(url, token);
  }

  static async open({ url, token }: Api): Promise<DocumentedApi> {
    return new DocumentedApi(url, token, await ApiDocument.read(new Api(url, token)));
  }

  /** The same with another token. */
  with(token: string): DocumentedApi {
    return new DocumentedApi(this.url, token, this.document);
  }

  override async request(...request: Parameters<Api['request']>): Promise<Answer> {
    const answer = await super.request(...request);
    const [method, address, sent] = request;
    const route = this.document.find(method, address);
    if (route !== undefined)
      this.document.answered.push({ token: this.token, method, path: route.path, address, sent, answer });
    const faults = route === undefined ? [] : this.document.faultsOf(route, answer);
    if (faults.length > 0)
      throw new Error(`${method} ${address}: ${answer.status} is not as described: ${faults.join(', ')}`);
    return answer;
  }
}
