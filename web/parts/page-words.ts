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

export const pageWords: Record<string, PageWords> = {
  PERMISSION_MISSING: {
    hint: 'Have an admin of the scope give you a role that allows it; Access shows who has which',
  },
  REQUEST_INVALID: { hint: 'Correct what is named here and send it again' },
  SCOPE_NOT_FOUND: { hint: 'Choose another scope; this one may have been deleted' },
  STILL_IN_USE: { hint: 'Delete, end or change first what is named here' },
  ENTITY_INVALID: {
    hint: 'The places are marked in the document; its schema is under Entities, Kinds',
  },
  ENTITY_EXISTS: {
    detail: 'Somebody has made one of this kind and id already',
    hint: 'Open that one and change it, or choose another id',
  },
  ENTITY_CONFLICT: {
    hint: 'Resolve the conflict: what Git holds now and what you wrote are shown beside each other, key by key',
  },
  ENTITY_MOVING: { hint: 'Wait until its move is done; the tab Move of its repository shows how far it is' },
  SECRET_KEY_RETIRED: {
    hint: 'Rotate what it keeps under Secrets, Secret managers; the key can be reinstated by the API',
  },
  WEBHOOK_UNSOUND: { hint: 'Register it again in the tab Webhook, or repair all in the tab Drift' },
  GIT_REPOSITORY_NOT_FOUND: { hint: `Check the credential’s rights. ${RENAMED}` },
  GIT_REPOSITORY_MOVED: { hint: RENAMED },
  HOST_API_MOVED: { hint: `${RENAMED}; else set the address of its API` },
  DELEGATE_UNAVAILABLE: {
    hint: 'Start or enrol a delegate that can; the operation goes on by itself. Delegates, Explain routing, says of each why not',
  },
};
