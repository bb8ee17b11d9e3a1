// What somebody can do who looks at the page, in place of hints that speak of requests and their headers. A code that is not here has
// a hint that is good for everybody.
export interface PageWords {
  hint: string;
  /** In place of a detail that speaks of headers. */
  detail?: string;
}

const RENAMED =
  'Where it was renamed or moved at its host, say so with “Renamed…” on its screen under Repositories';

type Said = Record<'code' | 'detail' | 'hint', string>;

/** What went wrong and what to do, for somebody who looks at the page. */
export const wordsOf = ({ code, detail, hint }: Said): Required<PageWords> => ({
  detail,
  hint,
  ...pageWords[code],
});

const of = (codes: readonly string[], hint: string): Record<string, PageWords> =>
  Object.fromEntries(codes.map((code) => [code, { hint }]));

export const pageWords: Record<string, PageWords> = {
  PERMISSION_MISSING: {
    hint: 'Have an admin of the scope give you a role that allows it',
  },
  REQUEST_INVALID: { hint: 'Correct what is named here and send it again' },
  SCOPE_NOT_FOUND: { hint: 'Choose another scope; this one may have been deleted' },
  STILL_IN_USE: { hint: 'Delete, end or change first what is named here' },
  ENTITY_INVALID: {
    hint: 'The places are marked in the document; its schema is under Entities, Kinds',
  },
  YAML_REFUSED: { hint: 'Correct the place that is named; it is marked in the document where it has a line' },
  ENTITY_ELSEWHERE: {
    hint: 'Save it where it is, or bring it elsewhere first in the tab Move of its repository',
  },
  SECRET_REVEAL_UNCONFIRMED: {
    hint: 'Confirm that the manager may have it, and have the policy of the delegates allow that',
  },
  ENTITY_EXISTS: {
    detail: 'Somebody has made one of this kind and id already',
    hint: 'Open that one and change it, or choose another id',
  },
  ENTITY_CONFLICT: {
    hint: 'Resolve the conflict: what Git holds now and what you wrote are shown beside each other, key by key',
  },
  ENTITY_IN_GIT: {
    hint: 'Save it where it is in Git, or move it out of Git in the tab Move of its repository',
  },
  MOVE_REFUSED: { hint: 'Mend what is named, or leave it where it is and move the others' },
  SECRET_OUT_OF_REACH: {
    hint: 'A repository that the manager talks to takes secrets that the manager keeps; one that a delegate talks to also takes those of a keyring. Choose another secret, or who talks to the host',
  },
  CREDENTIAL_APP_GONE: {
    hint: 'Install the app again, and have its new installation number written into the credential of the repository',
  },
  WEBHOOK_SECRET_UNFIT: { hint: 'Have a secret made for the webhook, or name one that the manager keeps' },
  GIT_HOST_KEY_REJECTED: {
    hint: 'Learn the host’s key from whoever runs it, and have its line written into the connector’s known hosts',
  },
  GIT_REF_NOT_FOUND: {
    hint: 'Name a branch that is there, or a commit by all of its 40 digits; a save can begin a new branch',
  },
  GIT_BRANCH_EXISTS: { hint: 'Choose another name for the new branch, or commit to the one that is there' },
  PULL_REQUESTS_UNSUPPORTED: {
    hint: 'Open the request where the host’s users do. Where the host is one of those that can be asked, connect the repository as one of it',
  },
  PULL_REQUEST_UNFIT: { hint: 'Save to a new branch, which the request is then made of' },
  ...of(
    ['HOST_API_ADDRESS_UNCLEAR', 'HOST_API_NOT_FOUND', 'HOST_API_UNREACHABLE', 'HOST_API_GARBLED'],
    'Check that the repository is connected as one of its host, with the right address of its API, that its credential may use it, and that nothing stands between',
  ),
  ENTITY_MOVING: { hint: 'Wait until its move is done; the tab Move of its repository shows how far it is' },
  MOVE_TOO_LARGE: {
    hint: 'Choose a kind, a branch or a folder, and move the others afterwards. What is too much even so, moves by its names with the command line: sallyport move',
  },
  SECRET_KEY_RETIRED: {
    hint: 'Rotate what it keeps under Secrets, Secret managers; the key can be reinstated by the API',
  },
  WEBHOOK_UNSOUND: { hint: 'Register it again in the tab Webhook, or repair all in the tab Drift' },
  GIT_REPOSITORY_NOT_FOUND: { hint: `Check the credential’s rights. ${RENAMED}` },
  GIT_REPOSITORY_MOVED: { hint: RENAMED },
  HOST_API_MOVED: { hint: `${RENAMED}; else set the address of its API` },
  CONNECTOR_UNFIT: {
    hint: 'A repository over SSH takes a delegate, a private key and known hosts, as whoever runs the host confirms them; any other takes neither key nor known hosts',
  },
  DELEGATE_UNAVAILABLE: {
    hint: 'Start or enrol a delegate that can; the operation goes on by itself. Delegates, Explain routing, says of each why not',
  },
};
