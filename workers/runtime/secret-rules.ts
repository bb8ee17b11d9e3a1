// Which secret managers outside a delegate's operators allow, by kind, address, key and path.
import { z } from 'zod';
import { type ManagerSettings, secretManagerKindsOutside } from '../../src/contract/secret-managers.js';

const Pattern = z
  .string()
  .max(1_024)
  .regex(/^[^\s*]+(?:\/\*\*)?$/, 'is neither a whole name nor one that ends in /**');

export const SecretRule = z.strictObject({
  kind: z.enum(secretManagerKindsOutside),
  /** Addresses and endpoints, those it signs in at among them; without it, any, the provider’s own too. */
  addresses: z.array(Pattern).max(64).optional(),
  /** Key ids of a KMS. */
  keys: z.array(Pattern).max(256).optional(),
  /** Paths in a store. */
  paths: z.array(Pattern).max(256).optional(),
});
export type SecretRule = z.infer<typeof SecretRule>;

interface Traits {
  /** Everywhere that a credential or a key could go, the secret manager itself first; undefined for the provider’s own place. */
  addresses: (string | undefined)[];
  key: string | undefined;
}

function traitsOf(settings: ManagerSettings): Traits {
  switch (settings.kind) {
    case 'keyring':
      return { addresses: [], key: undefined };
    case 'vault-transit':
      return { addresses: [settings.address], key: `${settings.mount}/${settings.key}` };
    case 'vault-kv':
      return { addresses: [settings.address], key: undefined };
    case 'azure-key-vault':
      return { addresses: [settings.vault, ...given(settings.authority)], key: undefined };
    case 'aws-kms':
      return { addresses: [settings.endpoint, ...given(settings.stsEndpoint)], key: settings.key };
    case 'gcp-kms':
      return { addresses: [settings.endpoint, ...given(settings.tokenEndpoint)], key: settings.key };
    case 'aws-secrets-manager':
      return { addresses: [settings.endpoint, ...given(settings.stsEndpoint)], key: undefined };
    case 'gcp-secret-manager':
      return { addresses: [settings.endpoint, ...given(settings.tokenEndpoint)], key: undefined };
  }
}

const given = (address: string | undefined): string[] => (address === undefined ? [] : [address]);

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
  const full = settings.kind === 'vault-kv' ? `${settings.mount}/${path}` : path;
  const isPlain = !full.split('/').some((part) => part === '' || part === '.' || part === '..');
  return rulesFor(rules, settings).some(
    ({ paths }) => paths === undefined || (isPlain && paths.some((pattern) => matches(pattern, full))),
  );
}

function rulesFor(rules: readonly SecretRule[], settings: ManagerSettings): SecretRule[] {
  const { addresses, key } = traitsOf(settings);
  const names = (patterns: string[] | undefined, text: string | undefined): boolean =>
    patterns === undefined || (text !== undefined && patterns.some((pattern) => matches(pattern, text)));
  return rules.filter(
    (rule) =>
      rule.kind === settings.kind &&
      addresses.every((address) => names(rule.addresses, address)) &&
      names(rule.keys, key),
  );
}

const matches = (pattern: string, text: string): boolean =>
  pattern.endsWith('/**') ? text.startsWith(pattern.slice(0, -2)) : text === pattern;
