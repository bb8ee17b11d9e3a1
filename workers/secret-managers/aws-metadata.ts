// The identity that the machine or the container gives to what runs on it. The SDK's own ways are not taken: they read a
// developer's files on the way, fall back to requests without a session and go on with what has expired.
import fs from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { z } from 'zod';
import { SignInFault } from './aws-faults.js';

/** As a process has it; only the names that say where an identity is are looked at. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface AwsCredential {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

const Lent = z.object({
  AccessKeyId: z.string().min(1).max(128),
  SecretAccessKey: z.string().min(1).max(1_024),
  Token: z.string().min(1).max(32_768),
  Expiration: z.iso.datetime({ offset: true }),
});

const ANSWER_BYTES_MAX = 65_536;
const ANSWER_MS = 2_000;
const SESSION_SECONDS = '300';
const ROLES = '/latest/meta-data/iam/security-credentials/';
/** Hosts that may be asked without TLS, as AWS defines them. */
const PLAIN_HOSTS =
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|169\.254\.170\.2|169\.254\.170\.23|\[fd00:ec2::23\])$/;

/** Of a task of ECS or a pod of EKS. @throws SignInFault */
export async function askContainer(environment: Environment): Promise<AwsCredential> {
  const what = 'the container’s identity';
  const url = containerUrl(environment, what);
  const file = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token =
    file === undefined
      ? environment.AWS_CONTAINER_AUTHORIZATION_TOKEN
      : // It is exchanged under our feet.
        await fs.readFile(file, 'utf8').catch(() => undefined);
  if (file !== undefined && token === undefined)
    throw new SignInFault('SECRET_MANAGER_SIGN_IN_REFUSED', `${what}: its token file cannot be read`);
  if (token !== undefined && !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(token.trim()))
    throw new SignInFault('SECRET_MANAGER_SIGN_IN_REFUSED', `${what}: its token is not one`);
  return toCredential(
    await ask(url, what, token === undefined ? {} : { headers: { authorization: token.trim() } }),
    what,
  );
}

function containerUrl(environment: Environment, what: string): URL {
  const relative = environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const full = environment.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? '';
  const url = URL.parse(relative === undefined ? full : `http://169.254.170.2${relative}`);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && PLAIN_HOSTS.test(url.hostname))) return url;
  throw new SignInFault(
    'SECRET_MANAGER_MISCONFIGURED',
    `${what}: the environment names an address that may not be asked`,
  );
}

/** Of a virtual machine, in a session of its own (IMDSv2) and never without one. @throws SignInFault */
export async function askInstance(environment: Environment): Promise<AwsCredential> {
  const what = 'the machine’s identity';
  if (environment.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true')
    throw new SignInFault(
      'SECRET_MANAGER_SIGN_IN_REFUSED',
      'the environment offers no identity, and asking the machine for one is switched off',
    );
  const isSix = environment.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE === 'IPv6';
  const usual = isSix ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254';
  const base = URL.parse(environment.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? usual);
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new SignInFault('SECRET_MANAGER_MISCONFIGURED', `${what}: its address in the environment is none`);
  const session = await ask(new URL('/latest/api/token', base), what, {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': SESSION_SECONDS },
  });
  const headers = { 'x-aws-ec2-metadata-token': session.trim() };
  if (!/^[\x21-\x7e]{1,1024}$/.test(session.trim())) throw garbled(what);
  const [role = ''] = (await ask(new URL(ROLES, base), what, { headers })).split('\n');
  if (!/^[\w+=,.@-]{1,64}$/.test(role.trim())) throw garbled(what);
  return toCredential(await ask(new URL(`${ROLES}${role.trim()}`, base), what, { headers }), what);
}

const garbled = (what: string): SignInFault =>
  new SignInFault('SECRET_MANAGER_GARBLED', `${what}: the answer cannot be read`);

function toCredential(text: string, what: string): AwsCredential {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw garbled(what);
  }
  const parsed = Lent.safeParse(answer);
  if (!parsed.success) throw garbled(what);
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = parsed.data;
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: Token,
    expiration: new Date(Expiration),
  };
}

/** Never through a proxy: what is asked is on this machine or next to it. */
function ask(
  url: URL,
  what: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (code: SignInFault['code'], reason: string): void =>
      reject(new SignInFault(code, `${what}: ${reason}`));
    const { request } = url.protocol === 'https:' ? https : http;
    const asked = request(url, { method, headers, agent: false, signal: AbortSignal.timeout(ANSWER_MS) });
    asked.once('error', () => fail('SECRET_MANAGER_UNAVAILABLE', 'nobody answered in time'));
    asked.once('response', (answer) => {
      const { statusCode: status = 0 } = answer;
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
        chunks.push(chunk);
        if (bytes <= ANSWER_BYTES_MAX) return;
        fail('SECRET_MANAGER_GARBLED', 'the answer is too long');
        asked.destroy();
      });
      answer.once('error', () => fail('SECRET_MANAGER_UNAVAILABLE', 'the answer broke off'));
      answer.once('end', () => {
        if (status === 200) return resolve(Buffer.concat(chunks).toString('utf8'));
        const isRefused = status >= 400 && status < 500 && status !== 429;
        fail(
          isRefused ? 'SECRET_MANAGER_SIGN_IN_REFUSED' : 'SECRET_MANAGER_UNAVAILABLE',
          `it answered ${status}`,
        );
      });
    });
    asked.end();
  });
}
