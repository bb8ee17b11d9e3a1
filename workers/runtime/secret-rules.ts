// Which secret managers outside a delegate's operators allow, by kind, address, key and path.
import { z } from 'zod';
import { type ManagerSettings, secretManagerKindsOutside } from '../../src/contract/secret-managers.js';

const Pattern = z
  .string()
  .max(1_024)
  .regex(/^[^\s*]+(?:\/\*\*)?$/, 'is neither a whole name nor one that ends in /**');

export const SecretRule = z
  .strictObject({
    kind: z.enum(secretManagerKindsOutside),
    /** All that the settings name, those it signs in at among them; without it, the provider’s own places alone. */
    addresses: z.array(Pattern).max(64).optional(),
    /** Key ids of a KMS. */
    keys: z.array(Pattern).max(256).optional(),
    /** Paths in a store. */
    paths: z.array(Pattern).max(256).optional(),
  })
  .refine(({ kind, addresses }) => addresses !== undefined || !isSelfHosted(kind), {
    path: ['addresses'],
    error: 'is needed, since this kind has no place of a provider’s',
  });
export type SecretRule = z.infer<typeof SecretRule>;

const isSelfHosted = (kind: ManagerSettings['kind']): boolean =>
  kind === 'vault-transit' || kind === 'vault-kv';

interface Traits {
  /** Of the secret manager itself; undefined for the provider’s own place. */
  address: string | undefined;
  /** Where its credential goes to be exchanged; undefined for the provider’s own place. */
  signIn?: string | undefined;
  key?: string;
}

function traitsOf(settings: ManagerSettings): Traits {
  switch (settings.kind) {
    case 'keyring':
      return { address: undefined };
    case 'vault-transit':
      return { address: settings.address, key: `${mountOf(settings)}/${settings.key}` };
    case 'vault-kv':
      return { address: settings.address };
    case 'azure-key-vault':
      return { address: settings.vault, signIn: settings.authority };
    case 'aws-kms':
      return { address: settings.endpoint, signIn: settings.stsEndpoint, key: settings.key };
    case 'gcp-kms':
      return { address: settings.endpoint, signIn: settings.tokenEndpoint, key: settings.key };
    case 'aws-secrets-manager':
      return { address: settings.endpoint, signIn: settings.stsEndpoint };
    case 'gcp-secret-manager':
      return { address: settings.endpoint, signIn: settings.tokenEndpoint };
  }
}

const mountOf = ({ namespace, mount }: { namespace?: string | undefined; mount: string }): string =>
  namespace === undefined ? mount : `${namespace}/${mount}`;

const AZURE_VAULT = /^https:\/\/[a-z0-9-]+\.vault\.azure\.net(?::443)?$/i;

/** Whether nothing that is sent there can reach anybody but the provider, whatever else the settings say. */
export function isAtProvider(settings: ManagerSettings): boolean {
  const { address, signIn } = traitsOf(settings);
  if (signIn !== undefined) return false;
  return address === undefined || (settings.kind === 'azure-key-vault' && AZURE_VAULT.test(address));
}

/** Whether a rule names the secret manager. */
export function isManagerAllowed(rules: readonly SecretRule[], settings: ManagerSettings): boolean {
  return rulesFor(rules, settings).length > 0;
}

/** Whether a rule that names the secret manager names the path, too. */
export function isPathAllowed(
  rules: readonly SecretRule[],
  settings: ManagerSettings,
  path: string,
): boolean {
  const full = fullPathOf(settings, path);
  const isPlain = !full.split('/').some((part) => part === '' || part === '.' || part === '..');
  return rulesFor(rules, settings).some(
    ({ paths }) => paths === undefined || (isPlain && paths.some((pattern) => matches(pattern, full))),
  );
}

function fullPathOf(settings: ManagerSettings, path: string): string {
  if (settings.kind === 'vault-kv') return `${mountOf(settings)}/${path}`;
  if (settings.kind === 'gcp-secret-manager') return `projects/${settings.project}/secrets/${path}`;
  return path;
}

function rulesFor(rules: readonly SecretRule[], settings: ManagerSettings): SecretRule[] {
  const { address, signIn, key } = traitsOf(settings);
  const names = (patterns: string[], text: string | undefined): boolean =>
    text !== undefined && patterns.some((pattern) => matches(pattern, text));
  return rules.filter(
    ({ kind, addresses, keys }) =>
      kind === settings.kind &&
      (addresses === undefined
        ? isAtProvider(settings)
        : names(addresses, address) && (signIn === undefined || names(addresses, signIn))) &&
      (keys === undefined || names(keys, key)),
  );
}

const matches = (pattern: string, text: string): boolean =>
  pattern.endsWith('/**') ? text.startsWith(pattern.slice(0, -2)) : text === pattern;
