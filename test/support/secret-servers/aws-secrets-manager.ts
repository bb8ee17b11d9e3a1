// The secrets of AWS Secrets Manager: values in versions with staging labels, and a deletion that takes its time.
import { randomBytes } from 'node:crypto';
import { Refusal } from './aws-accounts.js';

interface Version {
  content: { SecretString?: string; SecretBinary?: string };
  stages: Set<string>;
}

interface Stored {
  name: string;
  arn: string;
  versions: Map<string, Version>;
  isDeleted: boolean;
}

/** Of any operation here, all members are texts. */
type Input = Readonly<Record<string, string | undefined>>;

const VALUE_BYTES_MAX = 65_536;

export class AwsSecrets {
  readonly #secrets = new Map<string, Stored>();
  /** Takes the place of what GetSecretValue answers. */
  amend: ((answer: Record<string, unknown>) => void) | undefined;
  /** Runs before the next CreateSecret, once. */
  beforeCreate: (() => void) | undefined;

  constructor(
    readonly account: string,
    readonly region: string,
  ) {}

  /** As somebody else writes it. */
  store(
    name: string,
    content: Version['content'],
    version: string = randomBytes(16).toString('hex'),
  ): string {
    if (this.#secrets.has(name)) this.#add(this.#find(name), version, content);
    else this.#make(name, version, content);
    return version;
  }

  arnOf(name: string): string {
    return this.#find(name).arn;
  }

  contentOf(name: string): Version['content'] | undefined {
    return [...this.#find(name).versions.values()].find(({ stages }) => stages.has('AWSCURRENT'))?.content;
  }

  versionsOf(name: string): string[] {
    return [...this.#find(name).versions.keys()];
  }

  scheduleDeletion(name: string): void {
    this.#find(name).isDeleted = true;
  }

  restore(name: string): void {
    this.#find(name).isDeleted = false;
  }

  get names(): string[] {
    return [...this.#secrets.keys()];
  }

  get dump(): string {
    return JSON.stringify(
      [...this.#secrets.values()].map((secret) => ({
        ...secret,
        versions: [...secret.versions].map(([id, { content, stages }]) => [id, content, [...stages]]),
      })),
    );
  }

  /** Takes everything away, to be put back by what it answers. */
  hide(version?: (id: string) => boolean): () => void {
    const before = new Map(
      [...this.#secrets].map(([name, stored]) => [name, { ...stored, versions: new Map(stored.versions) }]),
    );
    if (version === undefined) this.#secrets.clear();
    else
      for (const { versions } of this.#secrets.values())
        for (const id of versions.keys()) if (version(id)) versions.delete(id);
    return () => {
      this.#secrets.clear();
      for (const [name, stored] of before) this.#secrets.set(name, stored);
    };
  }

  readonly operations: Record<string, { takes: string[]; run: (input: Input) => object }> = {
    CreateSecret: {
      takes: ['Name', 'ClientRequestToken', 'SecretString', 'SecretBinary'],
      run: (input) => this.#create(input),
    },
    PutSecretValue: {
      takes: ['SecretId', 'ClientRequestToken', 'SecretString', 'SecretBinary'],
      run: (input) => this.#put(input),
    },
    GetSecretValue: {
      takes: ['SecretId', 'VersionId', 'VersionStage'],
      run: (input) => this.#get(input),
    },
  };

  #create(input: Input): object {
    this.beforeCreate?.();
    this.beforeCreate = undefined;
    const name = input.Name ?? '';
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name))
      throw new Refusal(400, 'ValidationException', 'Invalid name.');
    const [token, content] = contentOf(input);
    const known = this.#secrets.get(name);
    if (known?.isDeleted === true)
      throw new Refusal(
        400,
        'InvalidRequestException',
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      );
    if (known === undefined) return answerOf(this.#make(name, token, content), token);
    if (JSON.stringify(known.versions.get(token)?.content) === JSON.stringify(content))
      return answerOf(known, token);
    throw new Refusal(
      400,
      'ResourceExistsException',
      `The operation failed because the secret ${name} already exists.`,
    );
  }

  #put(input: Input): object {
    const secret = this.#find(input.SecretId ?? '');
    const [token, content] = contentOf(input);
    assertThere(secret);
    const known = secret.versions.get(token);
    if (known !== undefined && JSON.stringify(known.content) !== JSON.stringify(content))
      throw new Refusal(400, 'ResourceExistsException', 'The version exists with another value.');
    if (known === undefined) this.#add(secret, token, content);
    return { ...answerOf(secret, token), VersionStages: [...(secret.versions.get(token)?.stages ?? [])] };
  }

  #get(input: Input): object {
    const secret = this.#find(input.SecretId ?? '');
    assertThere(secret);
    const stage = input.VersionStage ?? (input.VersionId === undefined ? 'AWSCURRENT' : undefined);
    const found = [...secret.versions].find(
      ([id, { stages }]) =>
        (input.VersionId === undefined || id === input.VersionId) &&
        (stage === undefined || stages.has(stage)),
    );
    if (found === undefined)
      throw new Refusal(
        400,
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${
          stage === undefined ? `VersionId: ${input.VersionId}` : `staging label: ${stage}`
        }`,
      );
    const [id, { content, stages }] = found;
    const answer = {
      ...answerOf(secret, id),
      ...content,
      VersionStages: [...stages],
      CreatedDate: 1_700_000_000.5,
    };
    this.amend?.(answer);
    return answer;
  }

  #make(name: string, version: string, content: Version['content']): Stored {
    const suffix = randomBytes(3).toString('hex');
    const arn = `arn:aws:secretsmanager:${this.region}:${this.account}:secret:${name}-${suffix}`;
    const secret: Stored = { name, arn, versions: new Map(), isDeleted: false };
    this.#secrets.set(name, secret);
    this.#add(secret, version, content);
    return secret;
  }

  #add({ versions }: Stored, id: string, content: Version['content']): void {
    for (const { stages } of versions.values()) {
      stages.delete('AWSPREVIOUS');
      if (stages.delete('AWSCURRENT')) stages.add('AWSPREVIOUS');
    }
    versions.set(id, { content, stages: new Set(['AWSCURRENT']) });
  }

  #find(id: string): Stored {
    const secret = [...this.#secrets.values()].find(
      ({ name, arn }) => id === name || id === arn || (id.startsWith('arn:') && arn.slice(0, -7) === id),
    );
    if (secret !== undefined) return secret;
    throw new Refusal(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
}

const answerOf = ({ arn, name }: Stored, version: string) => ({ ARN: arn, Name: name, VersionId: version });

function assertThere({ isDeleted }: Stored): void {
  if (isDeleted)
    throw new Refusal(
      400,
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
}

function contentOf(input: Input): [string, Version['content']] {
  const { ClientRequestToken: token, SecretString: text, SecretBinary: bytes } = input;
  if (token === undefined || token.length < 32 || token.length > 64)
    throw new Refusal(400, 'InvalidParameterException', 'The token has no fitting length.');
  if ((text === undefined) === (bytes === undefined))
    throw new Refusal(400, 'InvalidParameterException', 'Exactly one of string and binary is needed.');
  const length = text === undefined ? Buffer.from(bytes ?? '', 'base64').byteLength : Buffer.byteLength(text);
  if (length === 0 || length > VALUE_BYTES_MAX)
    throw new Refusal(400, 'ValidationException', 'The value has no fitting length.');
  return [token, text === undefined ? { SecretBinary: bytes ?? '' } : { SecretString: text }];
}
