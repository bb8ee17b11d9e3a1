// Who the delegate is for Azure: the owner of a client secret, or itself, as a workload of Kubernetes or by a managed identity.
// One sign-in at a time, by one way, which the settings and the environment decide before anything is asked.
import fs from 'node:fs/promises';
import { ClientAssertionCredential, ClientSecretCredential } from '@azure/identity';
import { z } from 'zod';
import type { SettingsOf } from '../../src/contract/secret-managers.js';
import { AzureFault, readRetryAfter } from './azure-faults.js';
import type { Answer, AzureLine } from './azure-line.js';
import { askMachine, machineQuestion, type Token } from './azure-managed-identity.js';
import type { ProviderSetup } from './provider.js';

type Setup = Pick<ProviderSetup<SettingsOf<'azure-key-vault'>>, 'settings' | 'credential' | 'environment'>;
type Way = (scope: string) => Promise<Token>;
type SignInOptions = ReturnType<typeof signInOptions>;

const PUBLIC_CLOUD = 'https://login.microsoftonline.com';
/** A token is exchanged so long before its end, or a fifth of its life where that is less. */
const MARGIN_MS = 300_000;
/** A client's secret, as Azure makes them. */
const CLIENT_SECRET = /^[\x21-\x7e]{8,256}$/;
const TENANT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class AzureIdentity {
  readonly #line: AzureLine;
  readonly #authority: string;
  readonly #tenant: string | undefined;
  readonly #way: Way;
  #held: { scope: string; token: Token; renewAt: number } | undefined;
  #pending: { scope: string; token: Promise<Token> } | undefined;

  /** @throws AzureFault */
  constructor({ settings, credential, environment = {} }: Setup, line: AzureLine) {
    this.#line = line;
    this.#authority = settings.authority ?? PUBLIC_CLOUD;
    if (!this.#authority.startsWith('https:')) throw misfit('it is signed in to over https alone');
    const file = credential === null ? environment.AZURE_FEDERATED_TOKEN_FILE : undefined;
    const [tenant, client] =
      file === undefined
        ? [settings.tenant, settings.client]
        : [settings.tenant ?? environment.AZURE_TENANT_ID, settings.client ?? environment.AZURE_CLIENT_ID];
    this.#tenant = tenant;
    if (credential !== null) {
      const isSecret = credential.use((bytes) => CLIENT_SECRET.test(bytes.toString('latin1')));
      if (!isSecret) throw misfit('its credential is no client secret');
      const id = requireBoth(tenant, client, 'the settings');
      const read = (): string => credential.use((bytes) => bytes.toString('latin1'));
      this.#way = (scope) =>
        this.#askEntra(scope, (options) => new ClientSecretCredential(id.tenant, id.client, read(), options));
    } else if (file !== undefined) {
      const id = requireBoth(tenant, client, 'the settings or the environment');
      this.#way = (scope) => this.#askAsWorkload(scope, file, id);
    } else
      this.#way = (scope) => {
        const resource = scope.replace(/\/\.default$/, '');
        return askMachine(line, machineQuestion(environment, resource, client));
      };
  }

  /** Whether a new one had better be got before the next use. */
  get isStale(): boolean {
    return this.#held !== undefined && this.#held.renewAt <= Date.now();
  }

  forget(): void {
    this.#held = undefined;
  }

  /** As Azure's clients ask; `tenantId` is the one that the vault says it belongs to. @throws AzureFault */
  async getToken(
    scopes: string | string[],
    { tenantId }: { tenantId?: string } = {},
  ): Promise<{ token: string; expiresOnTimestamp: number }> {
    const [scope = ''] = typeof scopes === 'string' ? [scopes] : scopes;
    const isOther = tenantId !== undefined && TENANT.test(tenantId) && this.#tenant !== undefined;
    if (isOther && tenantId.toLowerCase() !== this.#tenant?.toLowerCase())
      throw misfit('the vault belongs to another tenant');
    const held = this.#held?.scope === scope && !this.isStale ? this.#held.token : undefined;
    const { text } = held ?? (await this.#signIn(scope));
    // Never an end that is near: Azure's client renews on its own then, every 3 seconds, also when nobody needs it any more.
    return { token: text, expiresOnTimestamp: Date.now() + 365 * 86_400_000 };
  }

  /** One for all who wait; who stops waiting does not stop it. */
  async #signIn(scope: string): Promise<Token> {
    if (this.#pending?.scope === scope) return await this.#pending.token;
    const pending = { scope, token: this.#way(scope) };
    this.#pending = pending;
    try {
      const token = await pending.token;
      const now = Date.now();
      this.#held = {
        scope,
        token,
        renewAt: token.expiresAt - Math.min(MARGIN_MS, (token.expiresAt - now) / 5),
      };
      return token;
    } finally {
      if (this.#pending === pending) this.#pending = undefined;
    }
  }

  async #askAsWorkload(
    scope: string,
    file: string,
    { tenant, client }: { tenant: string; client: string },
  ): Promise<Token> {
    // Kubernetes exchanges it under our feet.
    const assertion = await fs.readFile(file, 'utf8').catch(() => {
      throw new AzureFault('SECRET_MANAGER_SIGN_IN_REFUSED', 'the workload’s token file cannot be read');
    });
    const tell = (): Promise<string> => Promise.resolve(assertion.trim());
    return await this.#askEntra(
      scope,
      (options) => new ClientAssertionCredential(tenant, client, tell, options),
    );
  }

  /** With a new client every time: a used one keeps tokens that were refused, and refuses by itself for a while. */
  async #askEntra(
    scope: string,
    make: (options: SignInOptions) => ClientSecretCredential | ClientAssertionCredential,
  ): Promise<Token> {
    let seen: Answer | AzureFault | undefined;
    const httpClient = this.#line.clientOf(new URL(this.#authority).origin, (last) => {
      seen = last;
    });
    try {
      const credential = make(signInOptions(this.#authority, httpClient));
      const { token, expiresOnTimestamp } = await credential.getToken(scope);
      return { text: token, expiresAt: expiresOnTimestamp };
    } catch {
      // What it throws says less than what it was answered.
      throw seen instanceof AzureFault ? seen : refuse(seen);
    }
  }
}

function signInOptions(authorityHost: string, httpClient: ReturnType<AzureLine['clientOf']>) {
  return {
    authorityHost,
    httpClient,
    // Otherwise Microsoft is asked whether the authority is one.
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
  };
}

function requireBoth(
  tenant: string | undefined,
  client: string | undefined,
  where: string,
): { tenant: string; client: string } {
  if (tenant === undefined || client === undefined) throw misfit(`${where} must name tenant and client`);
  return { tenant, client };
}

const Refused = z.object({ error_codes: z.array(z.number().int().min(1).max(99_999_999)) });
const unknownIds: Record<number, string> = {
  90002: 'there is no such tenant',
  700016: 'the tenant has no such client',
};

function refuse(seen: Answer | undefined): AzureFault {
  if (seen === undefined || seen.status === 200)
    return new AzureFault('SECRET_MANAGER_GARBLED', 'signing in: the answer cannot be read');
  const { status, headers, text } = seen;
  const reason = `signing in: it answered ${status}`;
  if (status === 429)
    return new AzureFault('SECRET_MANAGER_THROTTLED', reason, readRetryAfter(headers['retry-after']));
  if (status >= 500 || status === 408) return new AzureFault('SECRET_MANAGER_UNAVAILABLE', reason);
  if (status >= 300 && status < 400)
    return misfit('signing in points to another address, which is not followed');
  if (![400, 401, 403].includes(status))
    return misfit('what answers at the authority cannot be signed in to');
  const [number = 0] = codesOf(text);
  const unknown = unknownIds[number];
  if (unknown !== undefined) return misfit(`${unknown} (AADSTS${number})`);
  return new AzureFault(
    'SECRET_MANAGER_SIGN_IN_REFUSED',
    number === 0 ? reason : `the credential was not accepted (AADSTS${number})`,
  );
}

function codesOf(text: string): number[] {
  try {
    return Refused.parse(JSON.parse(text)).error_codes;
  } catch {
    return [];
  }
}

const misfit = (reason: string): AzureFault => new AzureFault('SECRET_MANAGER_MISCONFIGURED', reason);
