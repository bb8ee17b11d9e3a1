// `vault-kv://team/apps/git?version=3#password`: where a store has a value, for which there is no secret here. Every reference has
// one spelling of its parts: nothing is decoded twice, and nothing that is encoded could be a separator or climb.
import { z } from 'zod';
import { OutwardName } from './identifiers.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const TEXT_MAX = 4_096;
const kinds = ['vault-kv', 'aws-secrets-manager', 'gcp-secret-manager', 'azure-key-vault'] as const;
const SHAPE = /^([a-z-]+):\/\/([^/?#]*)\/([^?#]*)(?:\?version=([^?&#]*))?(?:#([^#]*))?$/;
/** What RFC 3986 lets stand in a path, and octets in percent-encoding. */
const SPELLING = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/;
/** Octets that need no encoding, and the separator of parts. */
const NEEDLESS = /%(?:2[DdEeFf]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])/;

const part = (max: number) =>
  z
    .string()
    .min(1, 'is empty')
    .max(max, `is longer than ${max} characters`)
    .refine(
      (text) => text.isWellFormed() && !CONTROL.test(text),
      'holds a control character or half a surrogate pair',
    );

/** Where a store has a value, as the store names it; every store has rules of its own besides. */
export const StorePath = part(1_024)
  .refine((path) => !path.includes('\\'), 'holds a backslash')
  .refine((path) => !path.split('/').some((one) => one === '.' || one === '..'), 'climbs')
  // Names of AWS may begin with a slash.
  .refine((path) => !/\/\/|\/$/.test(path), 'has an empty part');
export const StoreField = part(256);
export const StoreVersion = part(256);

const Parts = z.object({
  kind: z.enum(kinds, `is none of ${kinds.join(', ')}`),
  /** Name of the secret manager. */
  manager: OutwardName,
  path: StorePath,
  /** Null: the latest. */
  version: StoreVersion.nullable(),
  field: StoreField.nullable(),
});
export type PathReference = z.infer<typeof Parts>;

const MISSPELT = 'is not percent-encoded where, and only where, it has to be';

/** What is written, or the problem with it. */
export function readPathReference(text: string): PathReference | { problem: string } {
  const [, kind, manager, ...parts] = SHAPE.exec(text) ?? [];
  if (kind === undefined)
    return { problem: 'is not <kind of store>://<secret manager>/<path>[?version=…][#<field>]' };
  const [path, version, field] = parts.map((one) => (one === undefined ? null : decode(one)));
  const read = Parts.safeParse({ kind, manager, path, version, field });
  const issue = read.error?.issues[0];
  return issue === undefined
    ? (read.data as PathReference)
    : { problem: `its ${issue.path.join()} ${issue.code === 'invalid_type' ? MISSPELT : issue.message}` };
}

export const PathReferenceText = z
  .string()
  .max(TEXT_MAX)
  .superRefine((text, context) => {
    const read = readPathReference(text);
    if ('problem' in read) context.addIssue({ code: 'custom', message: read.problem });
  })
  .meta({
    description:
      'Where a store has the value: `vault-kv://<secret manager>/<path>[?version=…][#<field>]`, likewise `aws-secrets-manager://`, `gcp-secret-manager://`, `azure-key-vault://`; percent-encoded where need be',
  });

/** Undefined for what is spelt in any other way than it has to be. */
function decode(text: string): string | undefined {
  if (!SPELLING.test(text) || NEEDLESS.test(text)) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
