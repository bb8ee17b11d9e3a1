// Who may ask AWS: access keys with their secrets, for good or lent until a moment, and the signature that proves them.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
  /** `user` or the ARN of a role. */
  principal: string;
}

/** As AWS answers what it does not let in. */
export class Refusal {
  constructor(
    readonly status: number,
    readonly type: string,
    readonly message: string,
    readonly headers: Record<string, string> = {},
  ) {}
}

const CLOCK_MS = 5 * 60_000;

export class AwsAccounts {
  readonly #keys = new Map<string, AccessKey>();
  /** Access keys that are not known any more. */
  readonly revoked = new Set<string>();
  /** Session tokens that have expired before their time. */
  readonly expired = new Set<string>();

  /** A key of a user, or, with how long it lives, one that is lent. */
  issue(principal: string, lifeMs?: number): AccessKey {
    const key: AccessKey = {
      accessKeyId: `${lifeMs === undefined ? 'AKIA' : 'ASIA'}${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      principal,
    };
    if (lifeMs !== undefined) {
      key.sessionToken = randomBytes(120).toString('base64');
      key.expiration = new Date(Date.now() + lifeMs);
    }
    this.#keys.set(key.accessKeyId, key);
    return key;
  }

  /** Whoever signed the request, or why it is refused. */
  verify(
    request: IncomingMessage,
    body: Buffer,
    expected: { service: string; region: string },
  ): AccessKey | Refusal {
    const claim = parseClaim(request.headers.authorization ?? '');
    if (claim === undefined)
      return new Refusal(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
    const { id, date, region, service, signed, signature } = claim;
    const key = this.#keys.get(id);
    if (key === undefined || this.revoked.has(id))
      return new Refusal(400, 'UnrecognizedClientException', 'The security token is invalid.');
    if (service !== expected.service || region !== expected.region)
      return new Refusal(400, 'InvalidSignatureException', 'Credential should be scoped to a valid region.');
    const missing = unsignedOf(key, service, signed.split(';'));
    if (missing.length > 0)
      return new Refusal(400, 'IncompleteSignatureException', `Not signed: ${missing.join()}`);
    const time = String(request.headers['x-amz-date']);
    if (!time.startsWith(date) || Math.abs(Date.now() - parseTime(time)) > CLOCK_MS)
      return new Refusal(400, 'InvalidSignatureException', 'Signature expired');
    const canonical = canonicalOf(request, body, signed);
    const scope = `${date}/${region}/${service}/aws4_request`;
    const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
    let signing: Buffer = Buffer.from(`AWS4${key.secretAccessKey}`);
    for (const part of [date, region, service, 'aws4_request', toSign])
      signing = createHmac('sha256', signing).update(part).digest();
    if (!timingSafeEqual(signing, Buffer.from(signature, 'hex')))
      // As AWS does, with what was signed, tokens included.
      return new Refusal(
        403,
        'InvalidSignatureException',
        `The signature does not match. The Canonical String should have been '${canonical}'`,
      );
    return this.#admit(key, request.headers['x-amz-security-token']);
  }

  #admit(key: AccessKey, token: string | string[] | undefined): AccessKey | Refusal {
    if (token !== key.sessionToken)
      return new Refusal(400, 'UnrecognizedClientException', 'The security token is invalid.');
    const hasExpired = key.expiration !== undefined && key.expiration.getTime() < Date.now();
    if (hasExpired || this.expired.has(key.accessKeyId))
      return new Refusal(
        400,
        'ExpiredTokenException',
        'The security token included in the request is expired',
      );
    return key;
  }
}

function parseClaim(header: string) {
  const [, id, date, region, service, signed, signature] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      header,
    ) ?? [];
  if (id === undefined) return undefined;
  return { id, date, region, service, signed, signature } as Record<
    'id' | 'date' | 'region' | 'service' | 'signed' | 'signature',
    string
  >;
}

/** What must be signed and is not. */
function unsignedOf({ sessionToken }: AccessKey, service: string, names: string[]): string[] {
  const needed = ['host', 'x-amz-date', 'content-type'];
  if (service !== 'sts') needed.push('x-amz-target');
  if (sessionToken !== undefined) needed.push('x-amz-security-token');
  return needed.filter((name) => !names.includes(name));
}

function canonicalOf(request: IncomingMessage, body: Buffer, signed: string): string {
  const headers = signed
    .split(';')
    .map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`)
    .join('');
  return [request.method, request.url, '', headers, signed, sha256(body)].join('\n');
}

const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

/** 20260102T030405Z */
const parseTime = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
