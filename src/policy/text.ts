import { z } from 'zod';

const bytes = (text: string): number => Buffer.byteLength(text);
/** What a terminal would obey: C0 and C1 without tab and line ends. */
const TERMINAL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Text for people, never interpreted. */
export const DisplayName = z
  .string()
  .min(1, 'is empty')
  .max(256, 'is longer than 256 characters')
  .refine(
    (text) => text.isWellFormed() && !CONTROL.test(text),
    'holds a control character or half a surrogate pair',
  );

/** Of an API token: records name it. */
export const TokenName = DisplayName.max(128, 'is longer than 128 characters');

const MESSAGE_BYTES_MAX = 64 * 1024;

export const CommitMessage = z
  .string()
  .refine((text) => text.isWellFormed(), 'holds half a surrogate pair')
  .refine(
    (text) => bytes(text.trim()) >= 1 && bytes(text) <= MESSAGE_BYTES_MAX,
    'does not have 1 byte to 64 KiB',
  )
  .refine((text) => !TERMINAL.test(text), 'holds a control character')
  .meta({ description: 'Commit message, 1 byte to 64 KiB; a trailer naming the operation is added' });

const PERSON_BYTES_MAX = 1_024;
const person = (what: string) =>
  z
    .string()
    .refine((text) => text.trim() !== '' && bytes(text) <= PERSON_BYTES_MAX, 'does not have 1 byte to 1 KiB')
    .refine(
      (text) => text.isWellFormed() && !CONTROL.test(text) && !/[<>]/.test(text),
      'holds < > or a control character',
    )
    // Git strips these from both ends, which would make what is stored another text than what was sent.
    .refine((text) => !/^[\s.,:;"'\\]|[\s.,:;"'\\]$/.test(text), `begins or ends with a space or punctuation`)
    .meta({ description: `${what} of the commit's author` });

export const PersonName = person('Name');
export const PersonEmail = person('E-mail address');

export const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'does not have 1 to 255 visible ASCII characters');

const LIMIT_MAX = 1_000;

export const PageLimit = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, `is not a whole number from 1 to ${LIMIT_MAX}`)
  .transform(Number)
  .refine((limit) => limit <= LIMIT_MAX, `is not a whole number from 1 to ${LIMIT_MAX}`);

const POINTER_MAX = 256;

/** Where something stands in a document: a JSON pointer (RFC 6901), `/metadata/name`. */
export const JsonPointer = z
  .string()
  .max(POINTER_MAX, `is longer than ${POINTER_MAX} characters`)
  .regex(/^(\/([^~/]|~[01])*)+$/u, 'is not a JSON pointer as `/metadata/name`')
  .refine(
    (text) => text.isWellFormed() && !CONTROL.test(text),
    'holds a control character or half a surrogate pair',
  );

const SECRET_BYTES_MAX = 64 * 1024;
const PRIVATE_KEY =
  /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\r?\n[\s\S]+-----END [A-Z0-9 ]*PRIVATE KEY-----\s*$/;

/** A credential: one line. */
export const SecretValue = z
  .string()
  .refine((text) => text !== '' && bytes(text) <= SECRET_BYTES_MAX, 'does not have 1 byte to 64 KiB')
  .refine(
    (text) => text.isWellFormed() && !/[\r\n\0]/.test(text),
    'holds a line end, a NUL or half a surrogate pair',
  );

/** A private key as OpenSSH or OpenSSL writes it. */
export const SshKeyValue = z
  .string()
  .regex(PRIVATE_KEY, 'is not a private key in PEM')
  .refine((text) => bytes(text) <= SECRET_BYTES_MAX, 'does not have 1 byte to 64 KiB')
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'holds a NUL or half a surrogate pair');

/** Any bytes. */
export const FileValue = z
  .base64()
  .refine((text) => {
    const { length } = Buffer.from(text, 'base64');
    return length >= 1 && length <= SECRET_BYTES_MAX;
  }, 'does not hold 1 byte to 64 KiB')
  .meta({ description: 'Content of a file, in base64' });

/** The user name beside a credential; HTTP's basic authentication ends it at the first colon. */
export const Username = z
  .string()
  .min(1, 'is empty')
  .max(256, 'is longer than 256 characters')
  .refine(
    (text) => text.isWellFormed() && !CONTROL.test(text) && !text.includes(':'),
    'holds a colon or a control character',
  );

/** A delegate group; part of a queue's name. */
export const GroupName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not a group name of up to 63 lower-case letters, digits and -');
