// The address of a repository as every engine takes it. What users may write is the input policy's; this guards the form.
import { Failure } from '../kernel/failure.js';

/** The address without trailing slashes. @throws Failure CONNECTOR_DENIED for one of the wrong form */
export function parseRemoteUrl(text: string, allowHttp: boolean): URL {
  const url = URL.parse(text);
  const reason = url === null ? 'it is not a URL' : problemOf(url, allowHttp);
  if (url === null || reason !== undefined)
    throw new Failure('CONNECTOR_DENIED', { url: text, reason: reason ?? 'it is not a URL' });
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

function problemOf(url: URL, allowHttp: boolean): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'its scheme is neither https nor http';
  if (url.protocol === 'http:' && !allowHttp) return 'unencrypted http is not allowed';
  if (url.username !== '' || url.password !== '') return 'it contains user-info';
  if (url.search !== '' || url.hash !== '') return 'it contains a query or a fragment';
  return undefined;
}
