// How Redis is reached: whom to trust there, and what to show it. Each side trusts what its own settings name.
import fs from 'node:fs';
import tls from 'node:tls';
import { Failure } from '../kernel/failure.js';

/** Settings of the process, looked at with the others at its start. */
export interface RedisFiles {
  SALLYPORT_REDIS_CA_FILE?: string | undefined;
  SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE?: string | undefined;
  SALLYPORT_REDIS_CLIENT_KEY_FILE?: string | undefined;
}

export interface RedisEndpoint {
  url: string;
  /** The library would say its name, by a command that no user of ours may run. */
  disableClientInfo: true;
  tls?: tls.ConnectionOptions;
}

/** @throws CONFIGURATION_INVALID where files for TLS are named and the connection has none. */
export function redisEndpoint(url: string, files: RedisFiles): RedisEndpoint {
  const { SALLYPORT_REDIS_CA_FILE: caFile } = files;
  const certificateFile = files.SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE;
  const keyFile = files.SALLYPORT_REDIS_CLIENT_KEY_FILE;
  const plain = { url, disableClientInfo: true } as const;
  if (new URL(url).protocol !== 'rediss:') {
    if (caFile === undefined && certificateFile === undefined) return plain;
    const problem =
      'the files for TLS to Redis are set, but its URL is not rediss: nothing would be encrypted';
    throw new Failure('CONFIGURATION_INVALID', { problems: [problem] });
  }
  const trusted = caFile && [...tls.getCACertificates('default'), fs.readFileSync(caFile, 'utf8')];
  const shown = certificateFile &&
    keyFile && { cert: fs.readFileSync(certificateFile), key: fs.readFileSync(keyFile) };
  return { ...plain, tls: { ...(trusted && { ca: trusted }), ...(shown || {}) } };
}
