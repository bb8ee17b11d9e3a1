// How a user name and a secret become the headers of each host’s API.
import type { Credential } from '../git/git.js';
import type { Provider } from './provider.js';

interface Known {
  username: string;
  secret: string;
}
type Headers = Record<string, string>;

const bearer = ({ secret }: Known): Headers => ({ authorization: `Bearer ${secret}` });
const basic = ({ username, secret }: Known): Headers => ({
  authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`,
});

const isJwt = ({ secret }: Known): boolean =>
  /^eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*$/.test(secret.replace(/=+/g, ''));
/** The names under which Git takes a token, which are nobody’s. */
const namesNobody = ({ username }: Known): boolean =>
  ['', 'x-token-auth', 'x-access-token', 'oauth2'].includes(username);

const table: Partial<Record<Provider, (known: Known) => Headers>> = {
  github: bearer,
  // What GitLab made itself goes by a header of its own; tokens of OAuth, and tokens with another beginning, by the standard one.
  gitlab: (known) => (/^gl[a-z]*-/.test(known.secret) ? { 'private-token': known.secret } : bearer(known)),
  // Access tokens of a repository, project or workspace have nobody’s name; API tokens go with an e-mail address.
  'bitbucket-cloud': (known) => (namesNobody(known) ? bearer(known) : basic(known)),
  // Access tokens of projects and repositories are taken in no other way. What is not one is a user’s password.
  'bitbucket-dc': (known) =>
    namesNobody(known) || /^(?:BBDC-.+|[A-Za-z0-9+/]{44})$/.test(known.secret) ? bearer(known) : basic(known),
  gitea: giteaHeaders,
  forgejo: giteaHeaders,
  azure: (known) => (isJwt(known) ? bearer(known) : basic({ username: '', secret: known.secret })),
};

function giteaHeaders(known: Known): Headers {
  if (isJwt(known)) return bearer(known);
  const isToken = namesNobody(known) || /^[0-9a-f]{40}$/.test(known.secret);
  return isToken ? { authorization: `token ${known.secret}` } : basic(known);
}

/** The headers that prove who asks; none for a product without an API that is used. A scheme that is given is taken at its word. */
export function authorize(
  provider: Provider,
  { username, scheme }: Pick<Credential, 'username' | 'scheme'>,
  secret: Uint8Array,
): Headers {
  const known = { username, secret: Buffer.from(secret).toString('utf8') };
  const prove = table[provider];
  if (prove === undefined) return {};
  return scheme === 'bearer' ? bearer(known) : prove(known);
}
