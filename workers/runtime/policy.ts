// What a delegate's own operators allow it. The file is theirs: no manager can change it, and what it forbids is not done.
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Config } from '../../src/config/config.js';
import {
  type CarriedManager,
  KmsSettings,
  type ManagerSettings,
} from '../../src/contract/secret-managers.js';
import { Failure } from '../../src/kernel/failure.js';
import { isGitAllowed, placeOf } from '../../src/policy/git-patterns.js';
import { isApiOfHost } from '../../src/providers/host-place.js';
import { isAtProvider, isManagerAllowed, isPathAllowed, SecretRule } from './secret-rules.js';

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;
const GitPattern = z
  .string()
  .regex(
    /^(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/(?:[^\s*/]+|\*)(?:\/(?:[^\s*/]+|\*))*(?:\/\*\*)?|\/\*\*)?$/,
    'is not host[:port][/path], with * for a part and ** for the rest',
  );

export const PolicyFile = z.strictObject({
  git: z.strictObject({ allow: z.array(GitPattern).max(256) }).optional(),
  secrets: z.strictObject({ allow: z.array(SecretRule).max(256) }).optional(),
  /** Beyond these no setting of the delegate's own goes. */
  limits: z
    .strictObject({
      gitDeadlineSeconds: z.int().min(1).max(3_600),
      gitCacheMib: z.int().min(1).max(65_536),
      gitDiskMib: z.int().min(16).max(1_048_576),
    })
    .partial()
    .optional(),
  tasks: z.strictObject({ max: z.int().min(1).max(256) }).optional(),
  handOver: z
    .strictObject({
      /** Fingerprints of the delegates that may get the group's private keys; without it, whoever enrols. */
      allow: z.array(z.string().regex(FINGERPRINT, 'is not a fingerprint')).max(256),
    })
    .optional(),
  /** Whom secrets may leave this group for; without it, nobody. */
  release: z
    .strictObject({
      /** Fingerprints of other groups’ identities. */
      groups: z.array(z.string().regex(FINGERPRINT, 'is not a fingerprint')).max(256).default([]),
      /** Whether the manager may have values, to keep them itself. */
      toManager: z.boolean().default(false),
    })
    .optional(),
  groupKeys: z
    .strictObject({
      /** Without it, `group.json` holds the group's private keys as they are. */
      wrappedBy: z.strictObject({
        settings: KmsSettings,
        /** For this user alone; without it, the delegate's own identity. */
        credentialFile: z.string().min(1).optional(),
      }),
    })
    .optional(),
});
export type PolicyFile = z.infer<typeof PolicyFile>;

export class DelegatePolicy {
  constructor(private readonly rules: PolicyFile) {}

  /** Patterns of the repositories that may be reached; null for all. */
  get gitAllowed(): string[] | null {
    return this.rules.git?.allow ?? null;
  }

  /** How many tasks at once, where the setting asks for this many. */
  tasksMax(asked: number): number {
    return Math.min(asked, this.rules.tasks?.max ?? asked);
  }

  /** Addresses of secret managers that a rule names; null where there are no rules. */
  get secretAddresses(): string[] | null {
    const rules = this.rules.secrets?.allow;
    return rules === undefined ? null : [...new Set(rules.flatMap(({ addresses = [] }) => addresses))];
  }

  /** Which KMS wraps the group's private keys in this delegate's folder; undefined for none. */
  get wrappedBy(): NonNullable<PolicyFile['groupKeys']>['wrappedBy'] | undefined {
    return this.rules.groupKeys?.wrappedBy;
  }

  /** What a resource is limited to, where the setting says this much. */
  atMost(resource: keyof NonNullable<PolicyFile['limits']>, asked: number): number {
    return Math.min(asked, this.rules.limits?.[resource] ?? asked);
  }

  /** @throws DELEGATE_POLICY_REFUSED */
  assertGitAllowed(url: string): void {
    const { gitAllowed } = this;
    if (gitAllowed === null || isGitAllowed(gitAllowed, url)) return;
    const { host, path } = placeOf(url);
    throw refused(
      'git.allow',
      host === '' ? 'the address is no repository’s' : `no pattern names ${host}/${path}`,
    );
  }

  /** What else is dialled for a Git host: where tokens come from, its API, the proxy to it. @throws DELEGATE_POLICY_REFUSED */
  assertServiceAllowed(url: string): void {
    this.assertGitAllowed(url);
  }

  /**
   * Whoever may reach a repository may ask the API of its own host about it; another address takes a pattern of its own.
   * @throws DELEGATE_POLICY_REFUSED
   */
  assertApiAllowed(repository: string, api: string): void {
    this.assertGitAllowed(repository);
    const { gitAllowed } = this;
    if (gitAllowed === null || isApiOfHost(repository, api) || isGitAllowed(gitAllowed, api)) return;
    throw refused('git.allow', `no pattern names the API at ${placeOf(api).host}`);
  }

  /**
   * Without rules, a manager that says where to sign in could have the delegate’s own identity sent anywhere.
   * @throws DELEGATE_POLICY_REFUSED
   */
  assertManagerAllowed({ settings, credential }: Pick<CarriedManager, 'settings' | 'credential'>): void {
    const { secrets } = this.rules;
    // Its own keyring is nobody else’s to forbid.
    if (settings.kind === 'keyring') return;
    if (secrets === undefined) {
      if (credential.kind === 'builtin' || isAtProvider(settings)) return;
      throw refused(
        'secrets.allow',
        'the delegate’s identity is only shown at the provider’s own addresses and those that the policy lists',
      );
    }
    if (!isManagerAllowed(secrets.allow, settings))
      throw refused('secrets.allow', `no rule names this ${settings.kind}`);
  }

  /** @throws DELEGATE_POLICY_REFUSED */
  assertPathAllowed(settings: ManagerSettings, path: string): void {
    const { secrets } = this.rules;
    if (secrets !== undefined && !isPathAllowed(secrets.allow, settings, path))
      throw refused('secrets.allow', `no rule names the path ${path} of this ${settings.kind}`);
  }

  /** @throws DELEGATE_POLICY_REFUSED */
  assertMayReceiveKeys(fingerprint: string): void {
    const { handOver } = this.rules;
    if (handOver === undefined || handOver.allow.includes(fingerprint)) return;
    throw refused('handOver.allow', `it does not list ${fingerprint}`);
  }

  /** @throws DELEGATE_POLICY_REFUSED unless secrets may go to the group of this identity */
  assertMayRelease(fingerprint: string): void {
    if (this.rules.release?.groups.includes(fingerprint) !== true)
      throw refused('release.groups', `it does not list ${fingerprint}`);
  }

  /** @throws DELEGATE_POLICY_REFUSED unless the manager may have values */
  assertMayReveal(): void {
    if (this.rules.release?.toManager !== true)
      throw refused('release.toManager', 'no value may go to the manager');
  }
}

const refused = (rule: string, reason: string): Failure =>
  new Failure('DELEGATE_POLICY_REFUSED', { rule, reason }) as Failure;

/** The policy of a delegate with these settings. @throws CONFIGURATION_INVALID */
export function openPolicy(config: Config): DelegatePolicy {
  const named = config.SALLYPORT_DELEGATE_POLICY_FILE;
  const file = named ?? path.join(config.SALLYPORT_DATA_DIR, 'policy.yaml');
  return readPolicy(file, { required: named !== undefined });
}

/** Reads the policy file; without one, all that the settings allow is allowed, but the delegate’s identity goes to no other address. @throws CONFIGURATION_INVALID */
export function readPolicy(file: string, { required }: { required: boolean }): DelegatePolicy {
  if (!required && isAbsent(file)) return new DelegatePolicy({});
  const invalid = (problem: string): Failure =>
    new Failure('CONFIGURATION_INVALID', { problems: [`The policy file ${file} ${problem}`] }) as Failure;
  let content: unknown;
  try {
    content = parse(fs.readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    throw invalid(`cannot be read: ${(error as Error).message}`);
  }
  const parsed = PolicyFile.safeParse(content);
  if (parsed.success) return new DelegatePolicy(parsed.data);
  const [issue] = parsed.error.issues;
  throw invalid(`is not valid at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`);
}

/** A file that is there but cannot be read is no reason to allow everything; neither is a link that leads nowhere. */
function isAbsent(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
