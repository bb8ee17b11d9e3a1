// AWS with one key, what lends identities beside it, and managers that are opened with any of these.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { SettingsOf } from '../../../src/contract/secret-managers.js';
import { Secret } from '../../../src/kernel/secret.js';
import { AwsKms } from '../../../workers/secret-managers/aws-kms.js';
import type { ProviderSetup } from '../../../workers/secret-managers/provider.js';
import { AwsServer } from './aws.js';
import { AwsMetadata } from './aws-metadata.js';

type Settings = SettingsOf<'aws-kms'>;
export type Surroundings = Record<string, string>;

/** The ways in which an identity is lent, and whom AWS then sees. */
export const seenAs = {
  'web identity': 'arn:aws:iam::111122223333:role/pod',
  container: 'container',
  machine: 'machine',
};
export type Way = keyof typeof seenAs;
export const allWays = Object.keys(seenAs) as Way[];

export const keeper = { manager: 'unit', scope: 'accounts/acme' };

export class AwsWorld {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-aws-'));
  /** The key that managers are opened with. */
  arn: string;
  readonly #opened: AwsKms[] = [];

  private constructor(
    readonly server: AwsServer,
    readonly metadata: AwsMetadata,
  ) {
    this.arn = server.keys.create();
  }

  static async open(): Promise<AwsWorld> {
    const server = await AwsServer.open();
    return new AwsWorld(server, await AwsMetadata.open(server.accounts));
  }

  /** Surroundings that offer an identity in each way. */
  readonly ways = {
    'web identity': (token = 'token-1') => {
      const role = this.server.sts.role('pod', { tokens: new Set(['token-1']) });
      return { AWS_WEB_IDENTITY_TOKEN_FILE: this.file(token), AWS_ROLE_ARN: role.arn };
    },
    container: (token = this.metadata.token) => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${this.metadata.url}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: this.file(`${token}\n`),
    }),
    machine: () => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: this.metadata.url }),
  } satisfies Record<Way, () => Surroundings>;

  /** Principals that have signed, in order of their first request. */
  get principals(): (string | null)[] {
    return [...new Set(this.server.asked.map(({ by }) => by))];
  }

  kms(
    environment: Surroundings,
    settings: Partial<Settings> = {},
    setup: Partial<ProviderSetup<Settings>> = {},
  ): AwsKms {
    const { url, region } = this.server;
    const whole: Settings = {
      kind: 'aws-kms',
      region,
      key: this.arn,
      endpoint: url,
      stsEndpoint: url,
      ...settings,
    };
    const common = { keeper, credential: null, environment, deadlineMs: 8_000, proxy: undefined };
    const kms = new AwsKms({ ...common, settings: whole, ...setup });
    this.#opened.push(kms);
    return kms;
  }

  /** A new access key as a builtin secret has it. */
  keyOf(principal: string): Secret {
    const { accessKeyId, secretAccessKey } = this.server.accounts.issue(principal);
    return new Secret(Buffer.from(JSON.stringify({ accessKeyId, secretAccessKey })));
  }

  /** A file of its own with this content. */
  file(content: string): string {
    const name = path.join(this.folder, randomUUID());
    fs.writeFileSync(name, content, { mode: 0o600 });
    return name;
  }

  async close(): Promise<void> {
    for (const kms of this.#opened) await kms.close();
    fs.rmSync(this.folder, { recursive: true });
    await this.metadata.close();
    await this.server.close();
  }
}
