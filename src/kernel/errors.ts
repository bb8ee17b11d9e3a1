// Every failure Sallyport can report, in one table. docs/reference/errors.md says the same; a test compares the two.

/** What happens next: `retry` by itself, `wait` for something named in the message, `stop` until a person acts. */
export type Disposition = 'retry' | 'wait' | 'stop';

interface ErrorRow<D> {
  /** HTTP status of the problem answer. */
  status: number;
  disposition: Disposition;
  /** The code in words, the same for every occurrence. */
  title: string;
  /** What was attempted and what stood in the way. */
  message: (data: D) => string;
  /** What the reader can do. */
  hint: (data: D) => string;
}

const row = <D = Record<string, never>>(entry: ErrorRow<D>): ErrorRow<D> => entry;

type Host = { host: string };
type Named = { what: string; id: string };
/** A secret manager, the scope it is in, and what it said or did. */
type Keeper = { manager: string; scope: string; reason: string };

const keeper = ({ manager, scope }: Keeper): string => `Secret manager ${manager} in ${scope}`;

/** What was asked of a host’s API: `open the pull request`. What it said to that, fit to print; empty for nothing. */
type Asked = Host & { attempt: string; reason: string };

const asked = ({ host, attempt }: { host: string; attempt: string }): string =>
  `Asking ${host} to ${attempt}`;
const said = ({ reason }: Asked): string => (reason === '' ? '' : `: ${reason}`);

export const errors = {
  // --- the request -------------------------------------------------------------------------------------------
  REQUEST_INVALID: row<{ problem: string }>({
    status: 400,
    disposition: 'stop',
    title: 'The request is not valid',
    message: (d) => d.problem,
    hint: () => 'Compare the request with /api/v1/openapi.json',
  }),
  INPUT_REFUSED: row<{ field: string; rule: string }>({
    status: 422,
    disposition: 'stop',
    title: 'A value breaks the input policy',
    message: (d) => `${d.field}: ${d.rule}`,
    hint: (d) => `Change ${d.field}; the rules are in docs/reference/input-policy.md`,
  }),
  BODY_TOO_LARGE: row<{ bytesMax: number }>({
    status: 413,
    disposition: 'stop',
    title: 'The request body is too large',
    message: (d) => `The body is larger than ${d.bytesMax} bytes`,
    hint: () => 'Split the document, or send it as application/yaml',
  }),
  MEDIA_TYPE_UNSUPPORTED: row<{ mediaType: string }>({
    status: 415,
    disposition: 'stop',
    title: 'The content type is not supported here',
    message: (d) => `The body has content type ${d.mediaType}`,
    hint: () => 'Send application/json, or application/yaml when saving an entity',
  }),
  ROUTE_NOT_FOUND: row<{ method: string; path: string }>({
    status: 404,
    disposition: 'stop',
    title: 'No such address',
    message: (d) => `Nothing answers ${d.method} ${d.path}`,
    hint: () => 'The addresses are listed in /api/v1/openapi.json',
  }),
  PAGE_NOT_BUILT: row<Record<string, never>>({
    status: 404,
    disposition: 'stop',
    title: 'The web page is not built',
    message: () => 'This manager was started without the files of its web page',
    hint: () =>
      'Run `npm run build`, which makes them in dist/web, and start the manager again; the API is under /api/v1',
  }),
  TOKEN_REJECTED: row<{ reason: string }>({
    status: 401,
    disposition: 'stop',
    title: 'The request is not authenticated',
    message: (d) => `The bearer token ${d.reason}`,
    hint: () => 'Send Authorization: Bearer <token>; `npm run token` makes one',
  }),
  ACCESS_DENIED: row<{ account: string }>({
    status: 403,
    disposition: 'stop',
    title: 'The caller does not belong to this account',
    message: (d) => `The token or session does not belong to account ${d.account}`,
    hint: (d) => `Use a token of account ${d.account}`,
  }),
  PERMISSION_MISSING: row<{ permission: string; scope: string }>({
    status: 403,
    disposition: 'stop',
    title: 'The caller lacks a permission',
    message: (d) => `This takes the permission ${d.permission} in ${d.scope}`,
    hint: () =>
      'Use a token of a role that has it, or have an admin of the scope give you one: GET /api/v1/me says what you have',
  }),
  SESSION_REJECTED: row({
    status: 401,
    disposition: 'stop',
    title: 'The session has ended',
    message: () => 'The session of this browser has ended',
    hint: () => 'Sign in again',
  }),
  ORIGIN_REJECTED: row({
    status: 403,
    disposition: 'stop',
    title: 'The request comes from another site',
    message: () => 'A session is taken from the page of the same origin alone',
    hint: () => 'Open the page at the address under which the browser is to reach the API, or send a token',
  }),
  ROLE_UNFIT: row<{ role: string; reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The role cannot be written or given',
    message: (d) => `Role ${d.role}: ${d.reason}`,
    hint: () =>
      'Choose another name, or delete what is not needed any more; the builtin roles are viewer, editor and admin',
  }),
  IDENTITY_PROVIDER_UNFIT: row<{ provider: string; reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The identity provider cannot be used this way',
    message: (d) => `Identity provider ${d.provider}: ${d.reason}`,
    hint: () =>
      'Compare its issuer with what it says below .well-known/openid-configuration; docs/reference/access.md',
  }),
  SIGN_IN_FAILED: row<{ provider: string; reason: string }>({
    status: 401,
    disposition: 'stop',
    title: 'The identity provider signed nobody in',
    message: (d) => `Signing in by ${d.provider} failed: ${d.reason}`,
    hint: () =>
      'Begin again; where it happens again, compare the identity provider’s settings with what it has for this client',
  }),
  SIGN_IN_UNKNOWN: row({
    status: 400,
    disposition: 'stop',
    title: 'No sign-in that this browser has begun',
    message: () =>
      'The browser comes back from an identity provider without having begun to sign in, or too late',
    hint: () => 'Begin again, and within ten minutes, in the same browser',
  }),
  PRECONDITION_REFUSED: row<{ problem: string }>({
    status: 400,
    disposition: 'stop',
    title: 'A conditional header cannot be used this way',
    message: (d) => d.problem,
    hint: () => 'Send If-Match with the ETag you read, or If-None-Match: * to create only',
  }),
  IDEMPOTENCY_KEY_REUSED: row<{ key: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The idempotency key belongs to another request',
    message: (d) => `Idempotency-Key ${d.key} was used for a different request within seven days`,
    hint: () => 'Use a new key for a new request, the same key only for a retry of the same bytes',
  }),
  RATE_LIMITED: row<{ retryAfterSeconds: number }>({
    status: 429,
    disposition: 'wait',
    title: 'Too many requests were refused',
    message: (d) => `Too many requests were refused lately; none is looked at for ${d.retryAfterSeconds} s`,
    hint: () => 'Send what is proven: a caller that proved itself within the day is not held up by others',
  }),
  // --- things that are named ---------------------------------------------------------------------------------
  NOT_FOUND: row<Named>({
    status: 404,
    disposition: 'stop',
    title: 'No such thing here',
    message: (d) => `There is no ${d.what} ${d.id} in this scope`,
    hint: (d) => `Check the ${d.what}'s identifier and the scope in the address`,
  }),
  SCOPE_NOT_FOUND: row<{ scope: string }>({
    status: 404,
    disposition: 'stop',
    title: 'No such scope',
    message: (d) => `There is no scope ${d.scope}`,
    hint: (d) => `Create it with PUT /api/v1/${d.scope}`,
  }),
  STILL_IN_USE: row<Named & { by: string }>({
    status: 409,
    disposition: 'stop',
    title: 'It is still in use',
    message: (d) => `The ${d.what} ${d.id} is used by ${d.by}`,
    hint: (d) =>
      d.what === 'connector'
        ? `Delete, end or change ${d.by} first; where its repository was renamed, say so with POST …/connectors/${d.id}/rename`
        : `Delete or change ${d.by} first`,
  }),
  // --- events ------------------------------------------------------------------------------------------------
  EVENTS_GONE: row<{ cursor: string }>({
    status: 410,
    disposition: 'stop',
    title: 'Events after this cursor are no longer kept',
    message: (d) => `Some of the events after ${d.cursor} are no longer kept`,
    hint: () =>
      'Begin again without a cursor, or with after=start, and then read what you follow anew; SALLYPORT_EVENTS_KEEP_DAYS says how long events are kept',
  }),
  EVENT_STREAMS_FULL: row<{ max: number; whose: string }>({
    status: 429,
    disposition: 'stop',
    title: 'Too many event streams are open',
    message: (d) => `${d.max} event streams of ${d.whose} are open at this manager`,
    hint: () => 'Close some, or let your processes share one; SALLYPORT_EVENT_STREAMS_MAX is the limit',
  }),
  RECEIVER_DENIED: row<{ url: string; reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The address of the receiver is not allowed',
    message: (d) => `${d.url}: ${d.reason}`,
    hint: () =>
      'Use https and a public address, or allow it in SALLYPORT_SUBSCRIPTIONS_ALLOW_HTTP and SALLYPORT_SUBSCRIPTIONS_ALLOW_PRIVATE',
  }),
  SUBSCRIPTION_UNFIT: row<{ problem: string; mend: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The subscription cannot be used',
    message: (d) => d.problem,
    hint: (d) => d.mend,
  }),
  // --- documents ---------------------------------------------------------------------------------------------
  YAML_REFUSED: row<{ problem: string; line: number; column: number }>({
    status: 422,
    disposition: 'stop',
    title: 'The YAML is not acceptable',
    message: (d) => `Line ${d.line}, column ${d.column}: ${d.problem}`,
    hint: () => 'The limits for documents are in docs/reference/input-policy.md',
  }),
  ENTITY_INVALID: row<{
    kind: string;
    problems: { path: string; problem: string; line: number; column: number }[];
  }>({
    status: 422,
    disposition: 'stop',
    title: 'The document does not fit its kind',
    message: (d) =>
      `The document breaks the schema of kind ${d.kind}: ${d.problems
        .slice(0, 3)
        .map((p) => `line ${p.line}, column ${p.column}: ${p.path || 'the root'} ${p.problem}`)
        .join('; ')}`,
    hint: (d) => `Compare the document with GET …/kinds/${d.kind}`,
  }),
  ENTITY_IDENTITY_MISMATCH: row<{
    field: string;
    pointer: string;
    expected: string | null;
    found: string;
    line: number;
    column: number;
  }>({
    status: 422,
    disposition: 'stop',
    title: 'The document names another entity',
    message: (d) =>
      `Line ${d.line}, column ${d.column}: ${d.pointer} says that the ${d.field} is ${JSON.stringify(d.found)}, but it is ${
        d.expected === null ? 'none' : JSON.stringify(d.expected)
      }`,
    hint: (d) =>
      `Write the right ${d.field} into the document, leave it out, or name the entity as the document does`,
  }),
  KIND_INVALID: row<{ problem: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The kind is not usable',
    message: (d) => d.problem,
    hint: () =>
      'A kind has a JSON Schema (2020-12) and a path template such as {org}/{project}/pipelines/{id}.yaml',
  }),
  ENTITY_EXISTS: row<{ kind: string; id: string; branch: string | null }>({
    status: 412,
    disposition: 'stop',
    title: 'The entity exists already',
    message: (d) =>
      `${d.kind} ${d.id} exists${d.branch === null ? '' : ` on branch ${d.branch}`} and If-None-Match: * allows only a creation`,
    hint: () => 'Read it and save with If-Match, or leave the condition out',
  }),
  ENTITY_CONFLICT: row<{
    /** With the branch null where the entity is inline. */
    path: string | null;
    branch: string | null;
    base: string | null;
    theirs: string | null;
  }>({
    status: 409,
    disposition: 'stop',
    title: 'The entity changed since it was read',
    message: (d) =>
      d.path === null
        ? `The entity is at ${d.theirs ?? 'nothing'}, and the save was made from ${d.base ?? 'nothing'}`
        : `${d.path} on ${d.branch} is at ${d.theirs ?? 'no file'} in Git, and the save was made from ${d.base ?? 'no file'}`,
    hint: (d) => {
      if (d.theirs !== null)
        return `To keep yours, save again with If-Match: "${d.theirs}"; to keep theirs, save their text with the same header`;
      return d.path === null
        ? 'It was deleted: to make it again, save with If-None-Match: *'
        : 'Delete the entity, or save again with another path';
    },
  }),
  ENTITY_PLACE_TAKEN: row<{ path: string; branch: string; by: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The file belongs to another entity',
    message: (d) => `${d.path} on ${d.branch} holds ${d.by}`,
    hint: () => 'Choose another path',
  }),
  CHANGE_REFUSED: row<{ path: string; change: string; rule: number }>({
    status: 403,
    disposition: 'stop',
    title: 'The tracking does not allow this change from Git',
    message: (d) =>
      `The file ${d.path} was ${d.change} in Git, which rule ${d.rule} of the tracking does not allow`,
    hint: () =>
      'Undo it in Git, make the change through the API, or change the rules of the connector’s tracking',
  }),
  TRACKING_BUSY: row<{ connector: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The repository is being looked at',
    message: (d) => `Somebody else is at the repository of connector ${d.connector} and did not end in time`,
    hint: () => 'Try again; what was done stays',
  }),
  TRACKING_LIMIT_EXCEEDED: row<{ branches: number; max: number; last: string }>({
    status: 422,
    disposition: 'stop',
    title: 'More branches than one connector follows',
    message: (d) =>
      `${d.branches} branches fit the patterns of the tracking; the first ${d.max} by name are followed, up to ${d.last}`,
    hint: () => 'Name fewer branches in the tracking, or follow the others through another connector',
  }),
  BRANCH_UNFIT: row<{ branches: number; branch: string; problem: string }>({
    status: 422,
    disposition: 'stop',
    title: 'Branches have names that are not followed',
    message: (d) =>
      `${d.branches} branches of the tracking are passed over for their names; the first of them, ${d.branch}, ${d.problem}`,
    hint: () => 'Rename the branches, or let no pattern of the tracking fit them; all others are followed',
  }),
  IMPORT_NOT_REPORTED: row<{ id: string; state: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The import has no report to apply',
    message: (d) => `Import ${d.id} is ${d.state}; only one whose report is ready can be applied`,
    hint: () => 'Wait until its state is reported, or make the import again',
  }),
  FILE_UNFIT: row<{ path: string; problem: string }>({
    status: 422,
    disposition: 'stop',
    title: 'A file cannot be an entity',
    message: (d) => `The file ${d.path} is no entity: ${d.problem}`,
    hint: () =>
      'Correct or rename the file, make the kind or scope, or change the patterns of the tracking or import',
  }),
  ENTITY_ELSEWHERE: row<{ id: string; connector: string; path: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The entity lives somewhere else',
    message: (d) => `${d.id} is kept at ${d.path} through connector ${d.connector}`,
    hint: () => 'Leave git.path and git.connector out to save it where it is, or delete it first',
  }),
  ENTITY_INLINE: row<{ kind: string; id: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The entity is kept inline',
    message: (d) => `${d.kind} ${d.id} is in no repository: Sallyport keeps it itself`,
    hint: () => 'Leave out what is about Git to use it where it is, or move it to Git',
  }),
  ENTITY_IN_GIT: row<{ kind: string; id: string; connector: string; branch: string; path: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The entity is kept in Git',
    message: (d) =>
      `${d.kind} ${d.id} is, or is about to be, at ${d.path} on ${d.branch} through connector ${d.connector}`,
    hint: () => 'Leave store out to save it where it is, or move it out of Git',
  }),
  // --- moves -------------------------------------------------------------------------------------------------
  ENTITY_MOVING: row<{ kind: string; id: string; move: string }>({
    status: 409,
    disposition: 'wait',
    title: 'The entity is being moved',
    message: (d) => `${d.kind} ${d.id} is a part of move ${d.move}, which is not finished`,
    hint: (d) => `Wait until GET …/moves/${d.move} says that it is done, and try again`,
  }),
  MOVE_BLOCKED: row<{ id: string; problem: string; mend: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The entity cannot be moved as it is',
    message: (d) => `${d.id} cannot be moved: ${d.problem}`,
    hint: (d) => d.mend,
  }),
  MOVE_REFUSED: row<{ blocked: number; of: number; first: string; why: string }>({
    status: 409,
    disposition: 'stop',
    title: 'Something stands in the way of the move',
    message: (d) => `${d.blocked} of ${d.of} entities cannot be moved; ${d.first}: ${d.why}`,
    hint: () =>
      'See `blocked` for each of them; mend it, leave them out, or set skipBlocked to move the others',
  }),
  MOVE_TOO_LARGE: row<{ what: 'entities' | 'bytes'; max: number }>({
    status: 422,
    disposition: 'stop',
    title: 'The move is too large for one commit',
    message: (d) => `A move takes at most ${d.max} ${d.what}`,
    hint: () => 'Split it: name fewer entities, or select by kind, branch or folder',
  }),
  MOVE_CONFLICT: row<{ path: string; branch: string; expected: string | null; theirs: string | null }>({
    status: 409,
    disposition: 'stop',
    title: 'A file of the move changed in Git meanwhile',
    message: (d) =>
      `${d.path} on ${d.branch} is at ${d.theirs ?? 'no file'} in Git, and was to be at ${d.expected ?? 'no file'}; it was left as it is`,
    hint: () =>
      'Read the entity with freshness=reload and move it again; where it is at its new place already, decide in Git what becomes of the old file',
  }),
  MOVE_FILE_LEFT: row<{ path: string; branch: string; problem: string; mend: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The old file of a moved entity was left',
    message: (d) => `${d.path} on ${d.branch} was left: ${d.problem}`,
    hint: (d) => d.mend,
  }),
  // --- operations --------------------------------------------------------------------------------------------
  OPERATION_EXPIRED: row<{ waitedFor: string }>({
    status: 504,
    disposition: 'stop',
    title: 'The operation reached its deadline',
    message: (d) => `The operation waited until its deadline for ${d.waitedFor}; nothing was written to Git`,
    hint: () => 'Mend what it waited for and save again; the content is kept in the operation',
  }),
  OPERATION_IN_DOUBT: row<{ branch: string; waitedFor: string }>({
    status: 504,
    disposition: 'stop',
    title: 'It is not known whether the commit reached Git',
    message: (d) =>
      `The push to ${d.branch} was not answered and the branch could not be read: ${d.waitedFor}`,
    hint: () => 'Look on the branch for a commit with this operation in its Sallyport-Operation trailer',
  }),
  OPERATION_CANCELLED: row({
    status: 409,
    disposition: 'stop',
    title: 'The operation was cancelled',
    message: () => 'The operation was cancelled before anything of it was on the way to the Git host',
    hint: () => 'Save again if it is still wanted; the content is kept in the operation',
  }),
  OPERATION_UNDERWAY: row<{ id: string; branch: string }>({
    status: 409,
    disposition: 'wait',
    title: 'The operation may have reached the Git host',
    message: (d) =>
      `Operation ${d.id} cannot be cancelled now: the plan to push it to ${d.branch} is stored, so it may be there already`,
    hint: () =>
      'Wait for its end, and undo in another save what it has put into Git; if it waits again since nothing was written, cancel it then',
  }),
  OPERATION_ENDED: row<{ id: string; state: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The operation has ended',
    message: (d) => `Operation ${d.id} cannot be cancelled: it has ended (${d.state})`,
    hint: () => 'Undo in another save what it has put into Git, or into Sallyport where it is inline',
  }),
  // --- connectors and secrets --------------------------------------------------------------------------------
  CONNECTOR_DENIED: row<{ url: string; reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The repository address is not allowed',
    message: (d) => `${d.url}: ${d.reason}`,
    hint: () =>
      'Use https and a public address, or allow it in SALLYPORT_GIT_ALLOW_HTTP and SALLYPORT_GIT_ALLOW_PRIVATE',
  }),
  CONNECTOR_UNFIT: row<{ problem: string; mend: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The parts of the connector do not fit together',
    message: (d) => d.problem,
    hint: (d) => d.mend,
  }),
  CONNECTOR_BUSY: row<{ connector: string; reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The connector is being changed or used',
    message: (d) => `The connector ${d.connector} cannot be used at this moment: ${d.reason}`,
    hint: () => 'Try again; nothing was changed',
  }),
  REPOSITORY_DIFFERENT: row<{ url: string; branch: string; commit: string }>({
    status: 409,
    disposition: 'stop',
    title: 'It is another repository',
    message: (d) =>
      `${d.url} is not the connector’s repository as it was seen last: ${d.branch} was at ${d.commit}, which is not there`,
    hint: (d) =>
      `Check the URL; where the repository is the right one and its history was rewritten, push commit ${d.commit} to any branch there and try again`,
  }),
  SECRET_OUT_OF_REACH: row<{ secret: string; manager: string; connectivity: string }>({
    status: 422,
    disposition: 'stop',
    title: 'This road cannot open the secret',
    message: (d) =>
      `Secret ${d.secret} is kept by ${d.manager}, which connectivity ${d.connectivity} cannot open`,
    hint: (d) =>
      d.connectivity === 'manager'
        ? 'Set the connector’s connectivity to delegate, or use a builtin secret'
        : 'Use a secret of another secret manager',
  }),
  SECRET_DELETED: row<{ secret: string; scope: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The secret was deleted although in use',
    message: (d) => `Secret ${d.secret} in ${d.scope} was deleted although in use`,
    hint: (d) => `Put secret ${d.secret} in ${d.scope} anew, or let what names it name another`,
  }),
  SECRET_UNREADABLE: row<{ secret: string; reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The secret cannot be opened',
    message: (d) => `Secret ${d.secret} cannot be opened: ${d.reason}`,
    hint: () => 'Check that the key file is the one the secret was made with, or write the secret again',
  }),
  CREDENTIAL_REFUSED: row<Host & { reason: string; isVoid?: boolean }>({
    status: 422,
    disposition: 'stop',
    title: 'A host gives no token for the credential',
    message: (d) => `${d.host} gives no token: ${d.reason}`,
    hint: () =>
      'Compare the credential with what the host has: docs/reference/credentials.md says what to make there',
  }),
  CREDENTIAL_NEEDS_AUTHORISATION: row<{ connector: string; reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The connector has to be authorised again',
    message: (d) => `The refresh token of ${d.connector} is void: ${d.reason}`,
    hint: () => 'Have the host’s user authorise it anew, and put the new refresh token into its secret',
  }),
  CREDENTIAL_APP_SUSPENDED: row<Host & { installation: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The installation of the app is suspended',
    message: (d) => `Installation ${d.installation} of the app is suspended at ${d.host}`,
    hint: () => 'Have an owner of the account at the host lift the suspension',
  }),
  CREDENTIAL_APP_GONE: row<Host & { installation: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The host knows no such installation of the app',
    message: (d) =>
      `${d.host} knows no installation ${d.installation} of the app: it was removed, or is another app’s`,
    hint: () => 'Install the app again, and put the new number into installationId',
  }),
  CREDENTIAL_UNUSABLE: row<{ problem: string; mend: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The credential cannot be used',
    message: (d) => d.problem,
    hint: (d) => d.mend,
  }),
  CREDENTIAL_STALE: row<{ reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The delegate cannot use the token that it was sent',
    message: (d) => `The short-lived token is of no use: ${d.reason}`,
    hint: () => 'Nothing: another one is fetched',
  }),
  CREDENTIAL_UNKEPT: row<{ reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The successor of a refresh token is not kept yet',
    message: (d) =>
      `A delegate has the successor of the refresh token on its disk, and the secret manager does not take it: ${d.reason}`,
    hint: () => 'See that the delegate reaches the secret manager; it is tried again with the same',
  }),
  MASTER_KEY_MISSING: row<{ key: string }>({
    status: 503,
    disposition: 'wait',
    title: 'This manager lacks a master key',
    message: (d) => `Master key ${d.key} is not in the key file of this manager`,
    hint: () => 'Copy the current master key file to this manager; what waits for it goes on by itself',
  }),
  MASTER_KEY_RETIRED: row<{ secret: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The master key was retired meanwhile',
    message: (d) => `The master key that secret ${d.secret} was just sealed with has been retired`,
    hint: () => 'Send the secret again: it is sealed with the active key',
  }),
  MASTER_KEY_REFUSED: row<{ action: string; reason: string; mend: string }>({
    status: 409,
    disposition: 'stop',
    title: 'Not with the master keys as they are',
    message: (d) => `Cannot ${d.action}: ${d.reason}`,
    hint: (d) => d.mend,
  }),
  SECRET_VALUE_REFUSED: row<{ secret: string; reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The sealed value cannot be taken',
    message: (d) => `The sealed value of secret ${d.secret} was refused: ${d.reason}`,
    hint: () => 'Read …/sealing-key again and seal the value anew, for this very secret and secret manager',
  }),
  SECRET_REVEAL_UNCONFIRMED: row<{ manager: string }>({
    status: 422,
    disposition: 'stop',
    title: 'It would show values to the manager',
    message: (d) => `The builtin secret manager would get values that ${d.manager} keeps from the manager`,
    hint: () =>
      'Say so in the request with "revealToManager": true, and in the delegates’ policy with release.toManager',
  }),
  SECRET_KEY_RETIRED: row<{ manager: string; scope: string; key: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The key is retired',
    message: (d) =>
      `Secret manager ${d.manager} in ${d.scope} still wraps with key ${d.key}, which is retired`,
    hint: () =>
      'Rotate the key at the secret manager, or reinstate it: POST …/secret-managers/{id}/keys/reinstate',
  }),
  SECRET_AUDIT_UNWRITABLE: row<{ file: string; reason: string }>({
    status: 503,
    disposition: 'wait',
    title: 'The opening of a secret cannot be put on record',
    message: (d) => `No secret is opened while it cannot be put on record in ${d.file}: ${d.reason}`,
    hint: () =>
      'Give the delegate a data folder with free space that it may write to; what waits goes on by itself',
  }),
  SECRET_MANAGER_UNFIT: row<{ problem: string; mend: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The secret manager does not fit',
    message: (d) => `The secret manager does not fit: ${d.problem}`,
    hint: (d) => d.mend,
  }),
  DELEGATE_GROUP_UNFIT: row<{ group: string; problem: string; mend: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The delegate group cannot do it',
    message: (d) => `Delegate group ${d.group} cannot do it: ${d.problem}`,
    hint: (d) => d.mend,
  }),
  SECRET_NOT_IN_STORE: row<Keeper>({
    status: 422,
    disposition: 'stop',
    title: 'The store has no such value',
    message: (d) => `${keeper(d)}, finding the value: ${d.reason}`,
    hint: () => 'Check the path and the field of the secret, and that the store has it',
  }),
  SECRET_VERSION_GONE: row<Keeper>({
    status: 422,
    disposition: 'stop',
    title: 'The store has this version no more',
    message: (d) => `${keeper(d)}, reading the version: ${d.reason}`,
    hint: () => 'Point the secret at a version that is there, or restore it in the store',
  }),
  SECRET_STORE_CONFLICT: row<Keeper>({
    status: 409,
    disposition: 'stop',
    title: 'The store has something else at this path',
    message: (d) => `${keeper(d)}, writing the value: ${d.reason}`,
    hint: () => 'Choose another path, or replace what is there on purpose',
  }),
  SECRET_KEY_DISABLED: row<Keeper>({
    status: 422,
    disposition: 'stop',
    title: 'The key is disabled',
    message: (d) => `${keeper(d)}, using the key: ${d.reason}`,
    hint: () => 'Enable the key, or move the secret to another secret manager',
  }),
  SECRET_KEY_GONE: row<Keeper>({
    status: 422,
    disposition: 'stop',
    title: 'The key is not there, or about to be deleted',
    message: (d) => `${keeper(d)}, using the key: ${d.reason}`,
    hint: () => 'Cancel the deletion, or write the secret again with another secret manager',
  }),
  SECRET_KEY_WRONG: row<Keeper>({
    status: 422,
    disposition: 'stop',
    title: 'Another key wrapped this secret',
    message: (d) => `${keeper(d)}, using the key: ${d.reason}`,
    hint: () => 'Set the secret manager to the key and the key versions that its secrets were made with',
  }),
  SECRET_MANAGER_DENIED: row<Keeper>({
    status: 422,
    disposition: 'stop',
    title: 'The secret manager does not allow it',
    message: (d) => `${keeper(d)}, asking: ${d.reason}`,
    hint: () =>
      'Give the secret manager’s credential the rights that docs/reference/secret-managers.md lists',
  }),
  SECRET_MANAGER_SIGN_IN_REFUSED: row<Keeper>({
    status: 422,
    disposition: 'stop',
    title: 'The secret manager did not accept the credential',
    message: (d) => `${keeper(d)}, signing in: ${d.reason}`,
    hint: () => 'Renew the credential of the secret manager, or the identity of the delegate',
  }),
  SECRET_MANAGER_THROTTLED: row<Keeper & { retryAfterSeconds?: number }>({
    status: 503,
    disposition: 'retry',
    title: 'The secret manager asks for fewer requests',
    message: (d) => `${keeper(d)}, asking: ${d.reason}`,
    hint: () => 'It is tried again later by itself; raise the quota if this goes on',
  }),
  SECRET_MANAGER_SEALED: row<Keeper>({
    status: 503,
    disposition: 'wait',
    title: 'The secret manager is sealed',
    message: (d) => `${keeper(d)}, asking: ${d.reason}`,
    hint: () => 'Unseal it; what waits for it goes on by itself',
  }),
  SECRET_MANAGER_UNAVAILABLE: row<Keeper>({
    status: 503,
    disposition: 'retry',
    title: 'The secret manager cannot be reached',
    message: (d) => `${keeper(d)}, asking: ${d.reason}`,
    hint: () => 'It is tried again by itself; check its address and the network between it and the delegate',
  }),
  SECRET_MANAGER_GARBLED: row<Keeper>({
    status: 502,
    disposition: 'stop',
    title: 'The secret manager answered something impossible',
    message: (d) => `${keeper(d)}, asking: ${d.reason}`,
    hint: () => 'Check what answers at its address: nothing of the answer was used',
  }),
  SECRET_MANAGER_MISCONFIGURED: row<Keeper>({
    status: 422,
    disposition: 'stop',
    title: 'The secret manager’s settings do not fit',
    message: (d) => `${keeper(d)}, asking: ${d.reason}`,
    hint: () => 'Compare the settings with docs/reference/secret-managers.md',
  }),
  // --- webhooks ----------------------------------------------------------------------------------------------
  WEBHOOK_PROOF_REJECTED: row<{ reason: string }>({
    status: 401,
    disposition: 'stop',
    title: 'The delivery is not proven',
    message: (d) => `The delivery cannot be believed: ${d.reason}`,
    hint: () => 'Give the host one of the secrets that the connector’s webhook names',
  }),
  WEBHOOK_DOOR_FULL: row<{ reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'No more deliveries are taken at the moment',
    message: (d) => `The delivery was not taken: ${d.reason}`,
    hint: () => 'Send it again; what is lost is found by the next poll of the connector',
  }),
  WEBHOOK_SECRET_UNFIT: row<{ secret: string; manager: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The secret cannot prove deliveries',
    message: (d) =>
      `Secret ${d.secret} is kept by ${d.manager}; the manager verifies deliveries and has to open it`,
    hint: () => 'Use a builtin secret, or leave `secrets` out to have one made',
  }),
  WEBHOOK_ADDRESS_UNKNOWN: row({
    status: 422,
    disposition: 'stop',
    title: 'It is not known where hosts reach the manager',
    message: () => 'A host cannot be told where to send its webhooks',
    hint: () => 'Set SALLYPORT_PUBLIC_URL of every manager',
  }),
  WEBHOOK_UNSOUND: row<{ problem: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The host does not have the webhook as it was registered',
    message: (d) => `The webhook is registered, and ${d.problem}`,
    hint: () => 'Register it again with POST …/webhook/register',
  }),
  WEBHOOK_REPLAY_REFUSED: row<{ delivery: string; reason: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The delivery cannot be processed again',
    message: (d) => `Delivery ${d.delivery} ${d.reason}`,
    hint: () => 'Have the host send it again',
  }),
  // --- Git ---------------------------------------------------------------------------------------------------
  GIT_UNREACHABLE: row<Host & { reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The Git host cannot be reached',
    message: (d) => `Connecting to ${d.host}: ${d.reason}`,
    hint: () => 'Check the connector’s URL and that this side’s network reaches the host',
  }),
  GIT_ADDRESS_DENIED: row<Host & { address: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The Git host’s address is not allowed',
    message: (d) => `${d.host} resolves to ${d.address}, which this side may not dial`,
    hint: () =>
      'If this host is meant, name its range in SALLYPORT_GIT_ALLOWED_RANGES, or set SALLYPORT_GIT_ALLOW_PRIVATE=true, on the side that connects',
  }),
  GIT_AUTH_REJECTED: row<Host & { status?: number }>({
    status: 422,
    disposition: 'stop',
    title: 'The Git host refused the credential',
    message: (d) =>
      d.status === undefined
        ? `${d.host} refused the connector’s credential`
        : `${d.host} answered ${d.status} to the connector’s credential`,
    hint: () => 'Renew the secret the connector names, or check the user name and the rights of token or key',
  }),
  GIT_HOST_KEY_REJECTED: row<Host>({
    status: 422,
    disposition: 'stop',
    title: 'The Git host’s key is not a known one',
    message: (d) => `${d.host} shows a host key that the connector’s knownHosts does not list, or revokes`,
    hint: () =>
      'Learn the host’s key from whoever runs it, not from the network, and put its line into the connector’s knownHosts',
  }),
  GIT_REPOSITORY_NOT_FOUND: row<Host>({
    status: 422,
    disposition: 'stop',
    title: 'No such repository on the Git host',
    message: (d) => `${d.host} has no repository at the connector’s URL, or hides it from this credential`,
    hint: () =>
      'Check the credential’s rights; where the repository was renamed or moved, say so with POST …/connectors/{id}/rename',
  }),
  GIT_REPOSITORY_MOVED: row<Host & { target: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The repository has another address now',
    message: (d) => `${d.host} says that the repository is at ${d.target}; redirects are not followed`,
    hint: (d) =>
      `Where that is right, say so with POST …/connectors/{id}/rename and {"url": ${JSON.stringify(d.target)}}`,
  }),
  GIT_REF_NOT_FOUND: row<{ ref: string }>({
    status: 422,
    disposition: 'stop',
    title: 'No such branch',
    message: (d) => `The repository has no branch ${d.ref}`,
    hint: () => 'Name an existing branch, or create it with newBranchFrom',
  }),
  GIT_BRANCH_EXISTS: row<{ branch: string }>({
    status: 409,
    disposition: 'stop',
    title: 'The branch exists already',
    message: (d) => `Branch ${d.branch} exists, and the save asked for a new one`,
    hint: () => 'Leave newBranchFrom out to save to it, or choose another name',
  }),
  GIT_OBJECT_NOT_FOUND: row<{ object: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The repository lacks an object',
    message: (d) => `The repository has no ${d.object}`,
    hint: () => 'The history may have been rewritten; read the branch again',
  }),
  GIT_PUSH_REJECTED: row<Host & { reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The Git host refused the push',
    message: (d) => `${d.host} refused the push: ${d.reason}`,
    hint: () => 'A branch protection or hook of the host says no; save to a new branch or change the rule',
  }),
  GIT_BRANCH_BUSY: row<Host & { branch: string; reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The branch is held by another push',
    message: (d) => `${d.host} could not write ${d.branch}: ${d.reason}`,
    hint: () => 'It is tried again by itself; if it persists, look for a left-over lock on the host',
  }),
  GIT_PATH_BLOCKED: row<{ path: string; by: string }>({
    status: 409,
    disposition: 'stop',
    title: 'Something else stands where the file would go',
    message: (d) => `${d.path} cannot be written: ${d.by} is in the way`,
    hint: () => 'Choose another path, or remove what is in the way in Git',
  }),
  GIT_OBJECT_FORMAT_UNSUPPORTED: row<Host & { format: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The repository’s object format is not supported',
    message: (d) => `${d.host} keeps this repository in ${d.format}`,
    hint: () => 'Use a SHA-1 repository',
  }),
  GIT_PROTOCOL_UNSUPPORTED: row<Host & { reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The Git host does not speak what is needed',
    message: (d) => `${d.host}: ${d.reason}`,
    hint: () => 'Use a host with Git’s smart HTTP protocol',
  }),
  GIT_ANSWER_INVALID: row<Host & { reason: string }>({
    status: 502,
    disposition: 'retry',
    title: 'The Git host answered nonsense',
    message: (d) => `The answer of ${d.host} is not acceptable: ${d.reason}`,
    hint: () => 'Check that the URL is a Git repository and that no proxy changes the answers',
  }),
  GIT_LIMIT_EXCEEDED: row<Host & { limit: string; max: number }>({
    status: 422,
    disposition: 'stop',
    title: 'The Git host’s answer exceeds a limit',
    message: (d) => `The answer of ${d.host} exceeds ${d.limit} (${d.max})`,
    hint: () => 'The repository is larger than this engine accepts; split it',
  }),
  GIT_TIMEOUT: row<Host & { seconds: number }>({
    status: 504,
    disposition: 'retry',
    title: 'The Git host took too long',
    message: (d) => `${d.host} did not finish within ${d.seconds} s`,
    hint: () => 'Try again; if it persists, look at the host',
  }),
  GIT_CANCELLED: row<Host>({
    status: 503,
    disposition: 'retry',
    title: 'The Git operation was cancelled',
    message: (d) => `The work at ${d.host} was ended before it was done`,
    hint: () => 'Try again; whoever asked for it has gone or this process stops',
  }),
  GIT_HOST_ERROR: row<Host & { status: number; retryAfterSeconds?: number }>({
    status: 502,
    disposition: 'retry',
    title: 'The Git host reported a fault of its own',
    message: (d) =>
      d.retryAfterSeconds === undefined
        ? `${d.host} answered ${d.status}`
        : `${d.host} answered ${d.status} and asks to wait ${d.retryAfterSeconds} s`,
    hint: () => 'Try again later; the fault is the host’s',
  }),
  GIT_OUTCOME_UNKNOWN: row<Host & { reason: string }>({
    status: 504,
    disposition: 'retry',
    title: 'It is not known yet whether the push arrived',
    message: (d) => `The push to ${d.host} was not answered and the branch could not be read: ${d.reason}`,
    hint: () => 'The same commits are tried again by themselves; nothing is written twice',
  }),
  GIT_ENGINE_FAILED: row<{ command: string; reason: string }>({
    status: 502,
    disposition: 'retry',
    title: 'The system git reported a fault',
    message: (d) => `git ${d.command}: ${d.reason}`,
    hint: () => 'The delegate’s log has the full output',
  }),
  // --- the APIs of Git hosts -----------------------------------------------------------------------------------
  PULL_REQUESTS_UNSUPPORTED: row<{ provider: string }>({
    status: 422,
    disposition: 'stop',
    title: 'This provider has no API that is used',
    message: (d) => `Nothing can be asked of the API of a host of provider ${d.provider}`,
    hint: () =>
      'Name the product behind the URL in the connector’s provider; on plain Git, open the request where the host’s users do',
  }),
  PULL_REQUEST_UNFIT: row<{ branch: string }>({
    status: 422,
    disposition: 'stop',
    title: 'A pull request needs two branches',
    message: (d) => `The pull request would bring branch ${d.branch} into itself`,
    hint: () =>
      'Save to a branch of its own: name it in git.branch and what it begins from in git.newBranchFrom',
  }),
  PULL_REQUEST_BUSY: row<{ id: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The host is being asked about the pull request',
    message: (d) =>
      `Somebody is asking the host about the pull request ${d.id}, and has not heard from it yet`,
    hint: () => 'Try again in a moment',
  }),
  HOST_API_ADDRESS_UNCLEAR: row<{ provider: string; reason: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The address of the host’s API does not follow from the connector',
    message: (d) => `The API of ${d.provider} cannot be asked about this repository: ${d.reason}`,
    hint: () => 'Check the connector’s provider and url, or set its apiUrl',
  }),
  HOST_API_CREDENTIAL_MISSING: row<{ connector: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The connector has no credential for the host’s API',
    message: (d) => `The credential of ${d.connector} is an SSH key, which no API of a host takes`,
    hint: () => 'Give the connector a credential for the API, or the repository’s https address and a token',
  }),
  HOST_API_AUTH_REJECTED: row<Asked>({
    status: 422,
    disposition: 'stop',
    title: 'The host’s API refused the credential',
    message: (d) => `${asked(d)}: the credential was refused${said(d)}`,
    hint: () =>
      'Renew the secret, or check its user name: docs/reference/git-hosts.md says what each host’s API takes',
  }),
  HOST_API_FORBIDDEN: row<Asked>({
    status: 422,
    disposition: 'stop',
    title: 'The host’s API does not allow it',
    message: (d) => `${asked(d)}: the credential may not do this${said(d)}`,
    hint: () => 'Give the credential the rights that docs/reference/git-hosts.md lists for this host',
  }),
  HOST_API_NOT_FOUND: row<Asked>({
    status: 422,
    disposition: 'stop',
    title: 'The host’s API knows no such thing',
    message: (d) => `${asked(d)}: it is not there, or is hidden from this credential${said(d)}`,
    hint: () => 'Check the connector’s url and apiUrl, and the rights of its credential',
  }),
  HOST_API_MOVED: row<Host & { attempt: string; to: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The host says that it is elsewhere',
    message: (d) => `${asked(d)}: it is now at ${d.to}, and nothing is sent there`,
    hint: () =>
      'If the repository was renamed, say so with POST …/connectors/{id}/rename; else set the connector’s apiUrl',
  }),
  HOST_API_RATE_LIMITED: row<Host & { attempt: string; retryAfterMs: number }>({
    status: 503,
    disposition: 'retry',
    title: 'The host’s API asks for fewer requests',
    message: (d) => `${asked(d)}: it answers again in ${Math.ceil(d.retryAfterMs / 1_000)} s`,
    hint: () => 'Nothing: it is tried again, not before then; another credential may have a limit of its own',
  }),
  HOST_API_UNREACHABLE: row<Asked>({
    status: 503,
    disposition: 'retry',
    title: 'The host’s API cannot be reached',
    message: (d) => `${asked(d)}: it cannot be reached${said(d)}`,
    hint: () => 'Check the connector’s apiUrl and that this side’s network reaches the host',
  }),
  HOST_API_FAULT: row<Host & { attempt: string; status: number; retryAfterMs?: number }>({
    status: 502,
    disposition: 'retry',
    title: 'The host’s API reported a fault of its own',
    message: (d) => `${asked(d)}: it answered ${d.status}`,
    hint: () => 'Try again later; the fault is the host’s',
  }),
  HOST_API_GARBLED: row<Asked>({
    status: 502,
    disposition: 'stop',
    title: 'The host’s API answered something impossible',
    message: (d) => `${asked(d)}: the answer cannot be used${said(d)}`,
    hint: () => 'Check the connector’s provider and apiUrl, and that no proxy changes the answers',
  }),
  HOST_API_UNSUPPORTED: row<Asked>({
    status: 422,
    disposition: 'stop',
    title: 'The host cannot do this',
    message: (d) => `${asked(d)}: the host cannot do this${said(d)}`,
    hint: () => 'Ask for it without what the host cannot do, or update the host',
  }),
  HOST_API_NO_CHANGES: row<Host & { head: string; base: string }>({
    status: 422,
    disposition: 'stop',
    title: 'There is nothing to request',
    message: (d) => `At ${d.host}, branch ${d.head} has nothing that ${d.base} does not have`,
    hint: () => 'Save to the branch first; where that changed nothing, no request is needed',
  }),
  HOST_API_BRANCH_MISSING: row<Host & { branch: string }>({
    status: 422,
    disposition: 'stop',
    title: 'The host’s API does not see the branch',
    message: (d) => `The API of ${d.host} knows no branch ${d.branch}`,
    hint: () => 'Check the name; a branch that was just pushed was waited for, and can be tried again',
  }),
  HOST_API_PROTECTED: row<Asked>({
    status: 422,
    disposition: 'stop',
    title: 'A rule of the host protects the branch',
    message: (d) => `${asked(d)}: a rule of the host forbids it${said(d)}`,
    hint: () => 'Use another branch, or have the rule changed on the host',
  }),
  HOST_API_DUPLICATE: row<Asked>({
    status: 503,
    disposition: 'retry',
    title: 'The host has it already, and does not show it',
    message: (d) => `${asked(d)}: it is there already${said(d)}`,
    hint: () => 'Try again in a moment; if it persists, look on the host who made it',
  }),
  HOST_API_REFUSED: row<Asked>({
    status: 422,
    disposition: 'stop',
    title: 'The host’s API refused the request',
    message: (d) => `${asked(d)}: it was refused${said(d)}`,
    hint: () => 'The detail has the host’s own words; change what they name',
  }),
  // --- delegates and tasks -----------------------------------------------------------------------------------
  DELEGATE_UNAVAILABLE: row<{
    reason: string;
    /** Somebody was there, was asked, and does not do it. */
    wasAsked?: true;
  }>({
    status: 503,
    disposition: 'wait',
    title: 'No delegate is there to do it',
    message: (d) => `Nobody is there to do it: ${d.reason}`,
    hint: () =>
      'Start or enrol a delegate that can; the operation goes on by itself, and POST …/explain shows all of them',
  }),
  DELEGATE_POLICY_REFUSED: row<{ rule: string; reason: string }>({
    status: 403,
    disposition: 'stop',
    title: 'The delegate’s own policy forbids it',
    message: (d) => `The delegate’s policy refuses it by its rule ${d.rule}: ${d.reason}`,
    hint: (d) => `Change ${d.rule} in the delegate’s policy file, or send the work to another delegate`,
  }),
  DELEGATE_NOT_ENROLLED: row<{ folder: string; reason: string }>({
    status: 500,
    disposition: 'stop',
    title: 'This delegate has not enrolled',
    message: (d) => `There is no usable enrolment in ${d.folder}: ${d.reason}`,
    hint: () => 'Enrol it: npm run -s delegate -- enrol --manager URL --token-file FILE',
  }),
  DELEGATE_KEYS_MISSING: row<{ folder: string; reason: string }>({
    status: 409,
    disposition: 'wait',
    title: 'This delegate lacks keys of its group',
    message: (d) => `Nothing can be sealed for the group in ${d.folder}: ${d.reason}`,
    hint: () =>
      'Start this delegate while another one of the group runs, which hands them over; or seal where that one is',
  }),
  ENROLMENT_REFUSED: row<{ reason: string; hint: string }>({
    status: 403,
    disposition: 'stop',
    title: 'The delegate may not enrol',
    message: (d) => `The enrolment was refused: ${d.reason}`,
    hint: (d) => d.hint,
  }),
  DELEGATE_SILENT: row<{ group: string; seconds: number; lost?: number }>({
    status: 504,
    disposition: 'retry',
    title: 'The delegate did not answer in time',
    message: (d) => `A delegate of group ${d.group} did not answer within ${d.seconds} s`,
    hint: () => 'Look at the delegate’s log; the operation is tried again by itself',
  }),
  TASK_OUTCOME_UNKNOWN: row<{ group: string; reason: string; lost?: number }>({
    status: 504,
    disposition: 'retry',
    title: 'It is not known yet whether the delegate did it',
    message: (d) => `A task for group ${d.group} may have been done, and nobody can say: ${d.reason}`,
    hint: () => 'The same work is tried again by itself; nothing is done twice',
  }),
  TASK_POISONED: row<{ lost: number; reason: string }>({
    status: 502,
    disposition: 'stop',
    title: 'Delegate after delegate was lost over the task',
    message: (d) => `${d.lost} delegates were lost over the task, and it is given to no other: ${d.reason}`,
    hint: () => 'Look at the logs of the delegates for what ended them; then repeat the request',
  }),
  TASK_EXPIRED: row<{ seconds: number }>({
    status: 504,
    disposition: 'retry',
    title: 'The delegate came to the task too late',
    message: (d) => `The delegate took the task ${d.seconds} s after its time, and did not begin it`,
    hint: () => 'Start more delegates of the group, and compare the clocks of manager and delegate',
  }),
  TASK_REFUSED: row<{ reason: string }>({
    status: 502,
    disposition: 'retry',
    title: 'The delegate refused the task',
    message: (d) => `The delegate refused the task: ${d.reason}`,
    hint: () => 'Compare the versions and clocks of manager and delegate',
  }),
  CONTRACT_VERSION_MISMATCH: row<{ manager: number; delegate: number }>({
    status: 409,
    disposition: 'wait',
    title: 'Manager and delegate do not speak the same contract',
    message: (d) => `The manager speaks contract ${d.manager}, the delegate ${d.delegate}`,
    hint: (d) => `Upgrade the ${d.manager > d.delegate ? 'delegate' : 'manager'}`,
  }),
  QUEUE_ACCESS_DENIED: row<{ reason: string }>({
    status: 503,
    disposition: 'stop',
    title: 'The manager may not manage users of Redis',
    message: (d) => `Redis refuses to change its users: ${d.reason}`,
    hint: () => 'Set SALLYPORT_REDIS_ADMIN_URL to a user that may run ACL',
  }),
  QUEUE_UNAVAILABLE: row<{ reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The queue cannot be reached',
    message: (d) => `The queue does not answer: ${d.reason}`,
    hint: () => 'Check Redis; accepted operations go on by themselves when it is back',
  }),
  DATABASE_UNAVAILABLE: row<{ reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'The database cannot be reached',
    message: (d) => `PostgreSQL does not answer: ${d.reason}`,
    hint: () => 'Nothing was accepted; try again when the database is back',
  }),
  AUDIT_UNWRITABLE: row<{ account: string; reason: string }>({
    status: 503,
    disposition: 'retry',
    title: 'What was to be done cannot be put on record',
    message: (d) => `The audit of ${d.account} takes no entry: ${d.reason}`,
    hint: () =>
      'Nothing was changed here; see that the database’s role may run the function audit_append: docs/reference/audit.md',
  }),
  // --- starting and everything else --------------------------------------------------------------------------
  CONFIGURATION_INVALID: row<{ problems: string[] }>({
    status: 500,
    disposition: 'stop',
    title: 'The configuration cannot be used',
    message: (d) => `The configuration has ${d.problems.length} problem(s):\n- ${d.problems.join('\n- ')}`,
    hint: () => 'docs/reference/configuration.md lists every setting',
  }),
  COMMAND_INVALID: row<{ problem: string; usage: string }>({
    status: 400,
    disposition: 'stop',
    title: 'The command line is not valid',
    message: (d) => d.problem,
    hint: (d) => `Usage: ${d.usage}`,
  }),
  ADDRESS_IN_USE: row<{ what: string; address: string; setting: string }>({
    status: 500,
    disposition: 'stop',
    title: 'The port is taken',
    message: (d) => `${d.what} cannot listen on ${d.address}: something else does`,
    hint: (d) => `Stop what listens there, or set ${d.setting} to another port`,
  }),
  KEY_FILE_UNUSABLE: row<{ file: string; reason: string }>({
    status: 500,
    disposition: 'stop',
    title: 'The key file cannot be used',
    message: (d) => `Key file ${d.file}: ${d.reason}`,
    hint: () => 'Restore the file the stored secrets were made with, owned by this user, mode 0600',
  }),
  INTERNAL: row<{ reference: string }>({
    status: 500,
    disposition: 'retry',
    title: 'Sallyport met a fault of its own',
    message: (d) => `An unexpected fault was logged as ${d.reference}`,
    hint: (d) => `Look for ${d.reference} in the manager’s log and report it`,
  }),
} as const;

export type ErrorCode = keyof typeof errors;
export type ErrorData<C extends ErrorCode> = Parameters<(typeof errors)[C]['message']>[0];
