// Settings for whoever operates a process: what it tells of itself, and to whom.
import { z } from 'zod';
import { integer, setting, text } from './setting.js';

/** `http[s]://[user:password@]host[:port]/path`. What is wrong with it is not quoted: it may hold a password. */
const TracesUrl = z.string().refine((value) => {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') return false;
  return [url.username, url.password].every(isDecodable);
}, 'is not a URL such as https://collector.example:4318/v1/traces');

export const operatingSettings = {
  SALLYPORT_HEALTH_PORT: setting({
    description: 'Port of the manager’s health and metrics, on loopback unless a host is set. Default: none.',
    schema: integer(0, 65_535).optional(),
  }),
  SALLYPORT_HEALTH_HOST: setting({
    description: 'Address the manager’s health and metrics listen on.',
    default: '127.0.0.1',
    schema: text,
  }),
  SALLYPORT_TRACES_URL: setting({
    description:
      'Where manager and delegate send their traces, by OTLP over HTTP; it may hold a user name and a password. Default: none are made.',
    schema: TracesUrl.optional(),
  }),
  SALLYPORT_TRACES_PERCENT: setting({
    description:
      'How many of a hundred traces that begin here are sent; those of callers as their callers say.',
    default: '100',
    unit: '%',
    schema: integer(0, 100),
  }),
};

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
