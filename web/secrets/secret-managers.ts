// The secret managers within reach of a scope, the builtin one among them.
import { answer, apiOf, type Schemas } from '../data/api.js';
import { readOutwards } from '../data/outwards.js';
import { type Resource, useResource } from '../data/resource.js';
import { nameFrom } from '../data/scopes.js';

export type SecretManager = Schemas['SecretManager'];

export interface NearManager {
  /** As it is named from the scope that is looked at. */
  name: string;
  manager: SecretManager;
}

export const BUILTIN = 'builtin';

const kinds: Record<SecretManager['settings']['kind'], string> = {
  keyring: 'Keyring of the delegates',
  'aws-kms': 'AWS KMS',
  'gcp-kms': 'Google Cloud KMS',
  'vault-transit': 'Vault Transit',
  'vault-kv': 'Vault KV',
  'aws-secrets-manager': 'AWS Secrets Manager',
  'gcp-secret-manager': 'Google Secret Manager',
  'azure-key-vault': 'Azure Key Vault',
};

export const kindOptions = Object.entries(kinds).map(([value, label]) => ({ value, label }));

export const describeManager = ({ settings }: SecretManager): string => kinds[settings.kind];

export function useSecretManagers(scope: string): Resource<NearManager[]> {
  return useResource(`secret managers ${scope}`, async () => {
    const all = await readOutwards(
      scope,
      async (level) => (await answer(apiOf(level).GET('/secret-managers'))).secretManagers,
    );
    return all.map((manager) => ({ name: nameFrom(scope, manager.scope, manager.id), manager }));
  });
}
