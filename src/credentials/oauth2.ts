// The refresh grant of OAuth 2, and the client credentials of Microsoft Entra.
import { createHash } from 'node:crypto';
import { Failure } from '../kernel/failure.js';
import type { Secret } from '../kernel/secret.js';
import { step } from '../kernel/step.js';
import {
  assertGranted,
  type EndpointOptions,
  type Form,
  type Grant,
  postForm,
  type Spent,
} from './token-endpoint.js';

export interface OAuth2 {
  tokenUrl: string;
  clientId: string;
  clientSecret: Secret;
  refreshToken: Secret;
}

export interface AzureEntra {
  tenant: string;
  clientId: string;
  secret: Secret;
  authority?: string | undefined;
}

const ENTRA = 'https://login.microsoftonline.com';
/** The resource that Azure DevOps is to Entra. */
const AZURE_DEVOPS = '499b84ac-1321-427f-aa17-267ca6975798/.default';

const read = (secret: Secret): string => secret.use((bytes) => bytes.toString('utf8'));

/** Names a refresh token without telling it. */
export const digestOf = (refreshToken: Secret): string =>
  refreshToken.use((bytes) =>
    createHash('sha256').update('sallyport refresh token:').update(bytes).digest('base64url'),
  );

/**
 * Some hosts want the client's secret in the form, some in the head. One that does not know the client has not looked at the
 * refresh token, so it can be asked again the other way.
 * @throws as `postForm`
 */
export async function refresh(credential: OAuth2, options: EndpointOptions): Promise<Grant | Spent> {
  const { tokenUrl, clientId } = credential;
  const url = new URL(tokenUrl);
  const clientSecret = read(credential.clientSecret);
  const form: Form = { grant_type: 'refresh_token', refresh_token: read(credential.refreshToken) };
  return step('credentials.exchange', async () => {
    try {
      return await postForm(url, { ...form, client_id: clientId, client_secret: clientSecret }, options);
    } catch (error) {
      if (!isOfClient(error)) throw error;
      const pair = [clientId, clientSecret].map(encodeURIComponent).join(':');
      return postForm(url, form, options, `Basic ${Buffer.from(pair).toString('base64')}`);
    }
  }).then((answer) => withoutTheSame(answer, credential.refreshToken));
}

/** Where it signs in. */
export const entraUrl = ({ tenant, authority = ENTRA }: Pick<AzureEntra, 'tenant' | 'authority'>): URL =>
  new URL(`${authority.replace(/\/+$/, '')}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`);

/** @throws as `postForm` */
export async function signInToEntra(credential: AzureEntra, options: EndpointOptions): Promise<Grant> {
  const { clientId, secret } = credential;
  const url = entraUrl(credential);
  const form = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: read(secret),
    scope: AZURE_DEVOPS,
  };
  return step('credentials.exchange', () => postForm(url, form, options)).then(assertGranted);
}

const isOfClient = (error: unknown): boolean =>
  error instanceof Failure &&
  error.code === 'CREDENTIAL_REFUSED' &&
  /^invalid_client\b/.test((error as Failure<'CREDENTIAL_REFUSED'>).data.reason);

/** Many hosts repeat the refresh token that they keep. */
function withoutTheSame(answer: Grant | Spent, refreshToken: Secret): Grant | Spent {
  const { rotated } = answer;
  if (rotated === null || !rotated.use((bytes) => refreshToken.use((known) => known.equals(bytes))))
    return answer;
  const grant = assertGranted(answer);
  rotated.wipe();
  return { ...grant, rotated: null };
}
