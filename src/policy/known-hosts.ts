import { z } from 'zod';

const BYTES_MAX = 65_536;
const KEY_TYPE = /^(?:ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+|sk-(?:ssh|ecdsa)-[a-z0-9@.-]+)$/;
const NAMES = /^[\x21-\x7e]+$/;

/** Host keys of an SSH connector, in the form of OpenSSH's known_hosts. */
export const KnownHosts = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= BYTES_MAX, `is longer than ${BYTES_MAX} bytes`)
  .refine(
    (text) => text.isWellFormed() && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text),
    'holds a control character',
  )
  .refine(
    (text) => linesOf(text).every(isKnownHost),
    'has a line that is not `names type key`, as known_hosts lists them',
  )
  .refine((text) => linesOf(text).length > 0, 'holds no key')
  .meta({
    description: 'Lines of known_hosts with the keys of the SSH host; needed for SSH, refused for others',
  });

function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

/** 'git.example ssh-ed25519 AAAAC3Nz… comment', perhaps behind `@cert-authority` or `@revoked` */
function isKnownHost(line: string): boolean {
  const [names = '', type = '', key = ''] = line.replace(/^@(?:cert-authority|revoked)\s+/, '').split(/\s+/);
  if (!NAMES.test(names) || names.startsWith('@') || !KEY_TYPE.test(type)) return false;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) return false;
  // A key begins with its own type, counted.
  const bytes = Buffer.from(key, 'base64');
  return bytes.length > 4 + type.length && bytes.toString('latin1', 4, 4 + bytes.readUInt32BE(0)) === type;
}
