// What a connector proves itself with, as it is kept: settings in the open, and which secrets hold the rest.
import type { ApiCredential, GitCredential, Trust } from '../policy/credentials.js';
import type { Scope } from '../scopes/scope.js';

/** Every secret that is named stands beside the scope that has it. */
type Found<T> = T extends unknown
  ? T & {
      [K in Extract<keyof T, SecretPart> as `${K}Scope`]: T[K] extends string ? Scope : Scope | undefined;
    }
  : never;

/** Members that name secrets. */
const secretParts = [
  'secret',
  'clientSecret',
  'refreshToken',
  'privateKey',
  'passphrase',
  'clientKey',
  'proxyPassword',
] as const;
type SecretPart = (typeof secretParts)[number];

type Written<K> = Extract<GitCredential | ApiCredential, { kind: K }>;

/** A user name and a password have no kind: they are as they always were. */
export type BasicCredential = { username: string; secretScope: Scope; secret: string };
export type ReferredCredential = {
  username: string;
  reference: string;
  managerScope: Scope;
  manager: string;
};
export type KindCredential = Found<
  Written<'token'> | Written<'oauth2'> | Written<'github-app'> | Written<'azure-entra'> | Written<'ssh'>
>;
export type CredentialOf<K extends KindCredential['kind']> = Extract<KindCredential, { kind: K }>;

export type Credential = BasicCredential | ReferredCredential | KindCredential;
export type ConnectorTrust = Found<Trust>;

/** Which credential of a connector. */
type CredentialPart = 'credential' | 'apiCredential';

/** A secret that a connector names, and where. */
export interface SecretUse {
  part: string;
  scope: Scope;
  id: string;
}

/** Names of secrets in what was written, by the member that has them. */
export function namesOf(written: object): [SecretPart, string][] {
  return secretParts.flatMap((part) => {
    const name = (written as Record<string, unknown>)[part];
    return typeof name === 'string' ? [[part, name] as [SecretPart, string]] : [];
  });
}

/** The same of what is kept. */
export function usesOf(at: CredentialPart | 'trust', kept: object | null): SecretUse[] {
  const members = kept as Record<string, string> | null;
  return namesOf(kept ?? {}).map(([part, id]) => ({
    part: `${at}.${part}`,
    scope: members?.[`${part}Scope`] as string,
    id,
  }));
}
