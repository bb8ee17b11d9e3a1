// Whom AWS sees: the key of a builtin secret, or what the surroundings of the delegate lend it, each way by its own name and
// in a fixed order; then, where one is set, the role it takes on. Never a developer's login.
import { fromTemporaryCredentials, fromTokenFile } from '@aws-sdk/credential-providers';
import { z } from 'zod';
import { registerSecret } from '../../src/kernel/redact.js';
import type { Secret } from '../../src/kernel/secret.js';
import { boundAnswers } from './aws-bound.js';
import { SignInFault, toSignInFault } from './aws-faults.js';
import type { AwsLine } from './aws-line.js';
import { type AwsCredential, askContainer, askInstance, type Environment } from './aws-metadata.js';

/** What both kinds on AWS are set with. */
export interface AwsSettings {
  region: string;
  role?: { arn: string; externalId?: string | undefined } | undefined;
  endpoint?: string | undefined;
  stsEndpoint?: string | undefined;
  ca?: string | undefined;
}

export type AwsIdentity = () => Promise<AwsCredential>;

const AccessKey = z.strictObject({
  accessKeyId: z.string().regex(/^\w{16,128}$/),
  secretAccessKey: z.string().regex(/^[\x21-\x7e]{1,256}$/),
  sessionToken: z
    .string()
    .regex(/^[\x21-\x7e]{1,32768}$/)
    .optional(),
});

const SESSION_NAME = 'sallyport';

/**
 * The value of the builtin secret as a credential, struck out of every message until `forget` is called.
 * @throws SignInFault
 */
export function readAccessKey(secret: Secret): { credential: AwsCredential; forget: () => void } {
  const parsed = AccessKey.safeParse(secret.use((bytes) => parse(bytes.toString('utf8'))));
  if (!parsed.success)
    throw new SignInFault(
      'SECRET_MANAGER_MISCONFIGURED',
      'the credential is not JSON of accessKeyId, secretAccessKey and, where there is one, sessionToken',
    );
  const { accessKeyId, secretAccessKey, sessionToken } = parsed.data;
  const forgets = [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])].map(
    registerSecret,
  );
  return {
    credential: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    forget: () => forgets.forEach((forget) => forget()),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Everything that the SDK would otherwise look for in the environment and in a developer's files. */
export function sdkOptions(region: string, endpoint: string | undefined, line: AwsLine, attemptMs: number) {
  const { httpAgent, httpsAgent } = line;
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ignoreConfiguredEndpointUrls: true,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    defaultsMode: 'standard' as const,
    retryMode: 'standard' as const,
    // Whoever calls asks again, and knows for how long; the SDK would wait as long as it is told to.
    maxAttempts: 1,
    authSchemePreference: ['aws.auth#sigv4'],
    userAgentAppId: async () => undefined,
    disableClockSkewCorrection: false,
    requestHandler: {
      httpAgent,
      httpsAgent,
      connectionTimeout: attemptMs,
      requestTimeout: attemptMs,
      throwOnRequestTimeout: true,
    },
  };
}

/** A new identity, which remembers nothing of an earlier one. Its failures are of the class SignInFault. */
export function openIdentity(
  accessKey: AwsCredential | undefined,
  settings: AwsSettings,
  environment: Environment,
  options: { line: AwsLine; attemptMs: number },
): AwsIdentity {
  const sts = {
    ...sdkOptions(settings.region, settings.stsEndpoint, options.line, options.attemptMs),
    sigv4aSigningRegionSet: async () => undefined,
  };
  const own: AwsIdentity = accessKey === undefined ? ambient(environment, sts) : async () => accessKey;
  const { role } = settings;
  if (role === undefined) return named('the delegate’s identity', own);
  const assume = fromTemporaryCredentials({
    masterCredentials: named('the delegate’s identity', own),
    clientConfig: sts,
    clientPlugins: [boundAnswers],
    params: {
      RoleArn: role.arn,
      RoleSessionName: SESSION_NAME,
      ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }),
    },
  });
  return named('taking on the role', () => assume());
}

type StsOptions = ReturnType<typeof sdkOptions> & { sigv4aSigningRegionSet: () => Promise<undefined> };

function ambient(environment: Environment, sts: StsOptions): AwsIdentity {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: webIdentityTokenFile, AWS_ROLE_ARN: roleArn } = environment;
  if (webIdentityTokenFile !== undefined && roleArn !== undefined) {
    const roleSessionName = environment.AWS_ROLE_SESSION_NAME ?? SESSION_NAME;
    const clientPlugins = [boundAnswers];
    return () =>
      fromTokenFile({ webIdentityTokenFile, roleArn, roleSessionName, clientConfig: sts, clientPlugins })();
  }
  const isInContainer =
    environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI !== undefined ||
    environment.AWS_CONTAINER_CREDENTIALS_FULL_URI !== undefined;
  return () => (isInContainer ? askContainer(environment) : askInstance(environment));
}

function named(what: string, identity: AwsIdentity): AwsIdentity {
  return async () => {
    try {
      return await identity();
    } catch (error) {
      throw toSignInFault(error, what);
    }
  };
}
