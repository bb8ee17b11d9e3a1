// AWS STS: lends keys of a role, to whoever signs as one that may take it on, or shows a token that is known.
import { type AccessKey, type AwsAccounts, Refusal } from './aws-accounts.js';

export interface Role {
  arn: string;
  externalId?: string;
  /** Principals that may take it on. */
  trusts: Set<string>;
  /** Identity tokens that may be exchanged for it. */
  tokens: Set<string>;
  lifeMs: number;
}

const XMLNS = 'https://sts.amazonaws.com/doc/2011-06-15/';

export class AwsSts {
  readonly roles = new Map<string, Role>();
  /** Operations that were answered with a key, in order. */
  readonly lent: string[] = [];

  constructor(readonly accounts: AwsAccounts) {}

  role(name: string, role: Partial<Omit<Role, 'arn'>> = {}): Role {
    const arn = `arn:aws:iam::111122223333:role/${name}`;
    const made: Role = { arn, trusts: new Set(), tokens: new Set(), lifeMs: 3_600_000, ...role };
    this.roles.set(arn, made);
    return made;
  }

  readonly takes: Record<string, string[]> = {
    AssumeRole: ['Action', 'Version', 'RoleArn', 'RoleSessionName', 'ExternalId'],
    AssumeRoleWithWebIdentity: ['Action', 'Version', 'RoleArn', 'RoleSessionName', 'WebIdentityToken'],
  };

  assume(form: URLSearchParams, caller: AccessKey): string {
    const role = this.roles.get(form.get('RoleArn') ?? '');
    const isRight = role?.externalId === undefined || role.externalId === form.get('ExternalId');
    if (role === undefined || !isRight || !role.trusts.has(caller.principal))
      throw new Refusal(
        403,
        'AccessDenied',
        `User: ${caller.principal} is not authorized to perform: sts:AssumeRole`,
      );
    return this.#lend('AssumeRole', role, form);
  }

  assumeWithToken(form: URLSearchParams): string {
    const role = this.roles.get(form.get('RoleArn') ?? '');
    const token = form.get('WebIdentityToken') ?? '';
    if (role === undefined || !role.tokens.has(token))
      throw new Refusal(400, 'InvalidIdentityToken', `Couldn't verify ${token}`);
    return this.#lend('AssumeRoleWithWebIdentity', role, form);
  }

  #lend(action: string, { arn, lifeMs }: Role, form: URLSearchParams): string {
    this.lent.push(action);
    const key = this.accounts.issue(arn, lifeMs);
    const session = form.get('RoleSessionName') ?? '';
    const user = `${arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${session}`;
    return `<${action}Response xmlns="${XMLNS}"><${action}Result><Credentials><AccessKeyId>${key.accessKeyId}</AccessKeyId><SecretAccessKey>${key.secretAccessKey}</SecretAccessKey><SessionToken>${key.sessionToken}</SessionToken><Expiration>${key.expiration?.toISOString()}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROA:${session}</AssumedRoleId><Arn>${user}</Arn></AssumedRoleUser></${action}Result><ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata></${action}Response>`;
  }
}

export const stsError = ({ type, message }: Refusal, requestId: string): string =>
  `<ErrorResponse xmlns="${XMLNS}"><Error><Type>Sender</Type><Code>${type}</Code><Message>${message.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
