// The recorded and written deliveries of test/fixtures/providers, and how each host proves one.
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Secret } from '../../../src/kernel/secret.js';
import { codecs } from '../../../src/providers/codecs.js';
import { verifyHook } from '../../../src/providers/hook-proof.js';
import { Provider } from '../../../src/providers/provider.js';
import {
  type HookEvent,
  type HookHeaders,
  type HookSecrets,
  type HookVerdict,
  MalformedHook,
} from '../../../src/providers/webhook.js';
import { root } from '../../architecture/pages.js';

export interface Delivery {
  host: Provider;
  name: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
  golden: { deliveryId: string; event: HookEvent };
}

const home = path.join(root, 'test/fixtures/providers');
const read = (host: string, file: string) => JSON.parse(fs.readFileSync(path.join(home, host, file), 'utf8'));

export const deliveries: Delivery[] = Provider.options.flatMap((host) =>
  fs
    .readdirSync(path.join(home, host))
    .filter((file) => !file.endsWith('.golden.json'))
    .map((file) => {
      const name = file.slice(0, -'.json'.length);
      return { host, name, ...read(host, file), golden: read(host, `${name}.golden.json`) } as Delivery;
    }),
);

/** @throws Error when there is none */
export function deliveryOf(host: Provider, name: string): Delivery {
  const found = deliveries.find((one) => one.host === host && one.name === name);
  if (found === undefined) throw new Error(`${host}/${name}.json is not there`);
  return found;
}

export const bytesOf = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));
export const secretsOf = (...texts: string[]): HookSecrets =>
  texts.map((text) => new Secret(Buffer.from(text)));

export const verdictOn = (
  host: Provider,
  raw: Buffer,
  headers: HookHeaders,
  secrets: HookSecrets,
  now = new Date(),
): HookVerdict => verifyHook(codecs[host], raw, { headers, secrets, now });

export const hmacHex = (secret: string, raw: Buffer, algorithm = 'sha256'): string =>
  createHmac(algorithm, secret).update(raw).digest('hex');

/** Where hosts put HMAC-SHA-256 of the body, and behind which prefix. */
export const signatures = [
  ['github', 'x-hub-signature-256', 'sha256='],
  ['bitbucket-cloud', 'x-hub-signature', 'sha256='],
  ['bitbucket-dc', 'x-hub-signature', 'sha256='],
  ['gitea', 'x-gitea-signature', ''],
  ['forgejo', 'x-forgejo-signature', ''],
  ['gogs', 'x-gogs-signature', ''],
  ['generic', 'x-hub-signature-256', 'sha256='],
] as const;

/** The headers by which the host proves that this body is its own. */
export function proofOf(host: Provider, raw: Buffer, secret: string): Record<string, string> {
  if (host === 'gitlab') return { 'x-gitlab-token': secret };
  if (host === 'azure')
    return { authorization: `Basic ${Buffer.from(`sallyport:${secret}`).toString('base64')}` };
  const [, header = '', prefix = ''] = signatures.find(([name]) => name === host) ?? [];
  return { [header]: `${prefix}${hmacHex(secret, raw)}` };
}

/** The body may be bytes, or a value that becomes JSON. */
export const parse = (host: Provider, headers: HookHeaders, body: unknown): HookEvent =>
  codecs[host].parse(Buffer.isBuffer(body) ? body : bytesOf(body), headers);

/** What a codec has against a body. @throws Error when it has nothing */
export function malformed(host: Provider, headers: HookHeaders, body: unknown): MalformedHook {
  try {
    parse(host, headers, body);
  } catch (error) {
    if (error instanceof MalformedHook) return error;
    throw error;
  }
  throw new Error('It was parsed');
}
