// What the settings of the network may be. Files are opened here, so that a wrong one stops the start and not the first save.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { AddressRanges, classifyAddress } from '../git/address-policy.js';

const RANGES = 'is not a list of address ranges such as 10.0.0.0/8,fd00::/8';

export const DeniedRanges = z.string().transform((text, context) => {
  const ranges = AddressRanges.parse(text);
  if (ranges !== null) return ranges;
  context.addIssue({ code: 'custom', message: RANGES });
  return z.NEVER;
});

/** Nothing that is never dialled may be named, so that nobody believes it was opened. */
export const AllowedRanges = DeniedRanges.refine(
  (ranges) => ranges.bases.every((base) => classifyAddress(base) !== 'forbidden'),
  'names a link-local, metadata or reserved range, which is never opened',
);

/** `http://[user:password@]name[:port]`. What is wrong with it is not quoted: it may hold a password. */
export const ProxyUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.pathname === '/' && url.search === '' && url.hash === '' && isDecodable(url);
}, 'is not a URL of a proxy such as http://proxy.example:3128');

/** Answered without the slash at its end. */
export const PublicUrl = z
  .string()
  .refine((text) => {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol)) return false;
    return url.username === '' && url.password === '' && !/[?#]/.test(text);
  }, 'is not a URL such as https://sallyport.example, without user name, query and fragment')
  .transform((text) => text.replace(/\/+$/, ''));

export const ProxyBypass = z
  .string()
  .transform((text) => text.split(',').map((entry) => entry.trim().toLowerCase()))
  .refine(
    (entries) => entries.every(isHostPattern),
    'is not a list of names, .domains and address ranges such as git.example,.internal.example,10.0.0.0/8',
  );

export const CertificatesFile = pemFile((text) => {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  for (const block of blocks) new X509Certificate(block);
  return blocks.length > 0;
}, 'holds no certificate in PEM');

export const PrivateKeyFile = pemFile((text) => {
  createPrivateKey(text);
  return true;
}, 'holds no private key in PEM, or one with a passphrase');

/** What is wrong with settings that are right one by one. */
export const findNetworkProblems = (values: Record<string, unknown>): string[] =>
  ['SALLYPORT_GIT', 'SALLYPORT_REDIS'].flatMap((of) => findPairProblems(values, of));

function findPairProblems(values: Record<string, unknown>, of: string): string[] {
  const certificate = values[`${of}_CLIENT_CERTIFICATE_FILE`];
  const key = values[`${of}_CLIENT_KEY_FILE`];
  const names = `${of}_CLIENT_CERTIFICATE_FILE and ${of}_CLIENT_KEY_FILE`;
  if ((certificate === undefined) !== (key === undefined)) return [`${names} belong together: set both`];
  if (typeof certificate !== 'string' || typeof key !== 'string') return [];
  const isPair = new X509Certificate(fs.readFileSync(certificate)).checkPrivateKey(
    createPrivateKey(fs.readFileSync(key)),
  );
  return isPair ? [] : [`${names} are no pair: the key is not the first certificate’s`];
}

function pemFile(isGood: (text: string) => boolean, problem: string) {
  return z.string().transform((text, context) => {
    const file = path.resolve(text);
    let message = 'is not a file that can be read';
    try {
      const content = fs.readFileSync(file, 'utf8');
      message = problem;
      if (isGood(content)) return file;
    } catch {
      // What OpenSSL says of it helps nobody, and may quote it.
    }
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

function isDecodable({ username, password }: URL): boolean {
  try {
    return (
      !/[\u0000-\u001f:]/.test(decodeURIComponent(username)) &&
      !/[\u0000-\u001f]/.test(decodeURIComponent(password))
    );
  } catch {
    return false;
  }
}

function isHostPattern(text: string): boolean {
  if (AddressRanges.parse(text) !== null) return true;
  return net.isIP(text) === 0 && /^\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(text);
}
