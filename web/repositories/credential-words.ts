import type { Connector } from '../data/connectors.js';

type Credential = Connector['credential'];

/** In one line: what it is, and which secrets it names. */
export function describeCredential(credential: Credential): string {
  if (credential === null) return 'None';
  if (!('kind' in credential))
    return 'secret' in credential
      ? `${credential.username}, secret ${credential.secret}`
      : `${credential.username}, ${credential.reference} in ${credential.manager}`;
  switch (credential.kind) {
    case 'token':
      return `Token, secret ${credential.secret}`;
    case 'oauth2':
      return `OAuth 2 client ${credential.clientId}, refresh token ${credential.refreshToken}`;
    case 'github-app':
      return `GitHub App ${credential.appId}, installation ${credential.installationId}`;
    case 'azure-entra':
      return `Microsoft Entra application ${credential.clientId}`;
    case 'ssh':
      return `SSH key ${credential.privateKey}`;
  }
}

const wholes: Record<string, string> = {
  oauth2: 'an OAuth 2 client',
  'github-app': 'a GitHub App',
  'azure-entra': 'a Microsoft Entra application',
};

/** Of one that no field of a form shows: 'a GitHub App'. */
export const nameCredential = (credential: Credential): string =>
  credential !== null && 'kind' in credential
    ? (wholes[credential.kind] ?? describeCredential(credential))
    : 'at a path in a store';

/** What a change by the form leaves alone. */
export function keptOf({ apiCredential, trust }: Connector): string[] {
  const kept: string[] = [];
  if (apiCredential !== null)
    kept.push(`For the host’s API it has a credential of its own (${describeCredential(apiCredential)}).`);
  if (trust === null) return kept;
  if (trust.ca !== undefined) kept.push('It believes certificates of its own.');
  if (trust.clientCertificate !== undefined) kept.push('It shows a certificate to the host.');
  if (trust.proxyUrl !== undefined) kept.push(`It goes by the proxy ${trust.proxyUrl}.`);
  return kept;
}
