import { describe, expect, it } from 'vitest';
import { type ErrorCode, type ErrorData, errors } from '../../../src/kernel/errors.js';
import { Failure, type WireFailure } from '../../../src/kernel/failure.js';
import { registerSecret } from '../../../src/kernel/redact.js';

const host = 'git.example.com';
const attempt = 'open the pull request';
const group = 'eu';
const reason = 'it is closed';
const keeper = { manager: 'kms', scope: 'accounts/acme' };

/** One occurrence of every failure there is. */
const samples: { [C in ErrorCode]: ErrorData<C> } = {
  REQUEST_INVALID: { problem: 'git.branch is missing' },
  INPUT_REFUSED: { field: 'git.path', rule: 'holds a backslash' },
  BODY_TOO_LARGE: { bytesMax: 10 },
  MEDIA_TYPE_UNSUPPORTED: { mediaType: 'text/html' },
  ROUTE_NOT_FOUND: { method: 'GET', path: '/nowhere' },
  PAGE_NOT_BUILT: {},
  TOKEN_REJECTED: { reason: 'is unknown' },
  ACCESS_DENIED: { account: 'acme' },
  PERMISSION_MISSING: { permission: 'entity.edit', scope: 'accounts/a' },
  SESSION_REJECTED: {},
  ORIGIN_REJECTED: {},
  ROLE_UNFIT: { role: 'viewer', reason: 'it is a builtin role' },
  IDENTITY_PROVIDER_UNFIT: { provider: 'acme', reason: 'it does not answer' },
  SIGN_IN_FAILED: { provider: 'Acme', reason: 'access_denied' },
  SIGN_IN_UNKNOWN: {},
  PRECONDITION_REFUSED: { problem: 'If-Match takes one ETag' },
  IDEMPOTENCY_KEY_REUSED: { key: 'k-1' },
  RATE_LIMITED: { retryAfterSeconds: 3 },
  WEBHOOK_PROOF_REJECTED: { reason },
  WEBHOOK_DOOR_FULL: { reason },
  WEBHOOK_SECRET_UNFIT: { secret: 'token', manager: 'keyring' },
  WEBHOOK_ADDRESS_UNKNOWN: {},
  WEBHOOK_UNSOUND: { problem: 'the host has switched it off' },
  WEBHOOK_REPLAY_REFUSED: { delivery: 'd-1', reason: 'was refused' },
  NOT_FOUND: { what: 'connector', id: 'direct' },
  SCOPE_NOT_FOUND: { scope: 'accounts/acme' },
  STILL_IN_USE: { what: 'secret', id: 'token', by: 'connector direct' },
  EVENTS_GONE: { cursor: 'MC4w' },
  EVENT_STREAMS_FULL: { max: 100, whose: 'accounts/acme' },
  RECEIVER_DENIED: { url: 'http://hooks.example.com', reason },
  SUBSCRIPTION_UNFIT: { problem: 'Its secret is too short', mend: 'Write a longer one' },
  YAML_REFUSED: { problem: 'the root is not a mapping', line: 3, column: 4 },
  ENTITY_INVALID: {
    kind: 'pipeline',
    problems: [{ path: '/steps', problem: 'must be array', line: 2, column: 1 }],
  },
  ENTITY_IDENTITY_MISMATCH: { field: 'id', pointer: '/id', expected: 'a', found: 'b', line: 1, column: 5 },
  KIND_INVALID: { problem: 'The schema is not an object' },
  ENTITY_EXISTS: { kind: 'pipeline', id: 'build', branch: 'main' },
  ENTITY_CONFLICT: { path: 'a.yaml', branch: 'main', base: null, theirs: 'f'.repeat(40) },
  ENTITY_PLACE_TAKEN: { path: 'a.yaml', branch: 'main', by: 'accounts/acme: pipeline other' },
  CHANGE_REFUSED: { path: 'a.yaml', change: 'created', rule: 1 },
  TRACKING_BUSY: { connector: 'direct' },
  TRACKING_LIMIT_EXCEEDED: { branches: 1_200, max: 1_000, last: 'release/999' },
  BRANCH_UNFIT: { branches: 2, branch: 'long', problem: 'does not have 1 to 250 bytes' },
  IMPORT_NOT_REPORTED: { id: 'i', state: 'reporting' },
  FILE_UNFIT: { path: 'a.yaml', problem: 'it is no plain file' },
  ENTITY_INLINE: { kind: 'pipeline', id: 'build' },
  ENTITY_IN_GIT: { kind: 'pipeline', id: 'build', connector: 'direct', branch: 'main', path: 'b.yaml' },
  ENTITY_ELSEWHERE: { id: 'build', connector: 'direct', path: 'b.yaml' },
  ENTITY_MOVING: { kind: 'pipeline', id: 'build', move: 'm' },
  MOVE_BLOCKED: { id: 'build', problem: 'it is not there', mend: 'Make it' },
  MOVE_REFUSED: { blocked: 1, of: 2, first: 'pipeline build', why: reason },
  MOVE_TOO_LARGE: { what: 'entities', max: 500 },
  MOVE_FILE_LEFT: { path: 'a.yaml', branch: 'main', problem: 'it may be the same file', mend: 'Remove it' },
  MOVE_CONFLICT: { path: 'a.yaml', branch: 'main', expected: 'a'.repeat(40), theirs: null },
  OPERATION_CANCELLED: {},
  OPERATION_UNDERWAY: { id: 'o', branch: 'main' },
  OPERATION_ENDED: { id: 'o', state: 'succeeded' },
  OPERATION_EXPIRED: { waitedFor: 'a delegate' },
  OPERATION_IN_DOUBT: { branch: 'main', waitedFor: reason },
  CONNECTOR_DENIED: { url: 'http://git.example.com', reason },
  CONNECTOR_UNFIT: { problem: 'It lacks a key', mend: 'Give it one' },
  CONNECTOR_BUSY: { connector: 'accounts/acme/connectors/app', reason },
  REPOSITORY_DIFFERENT: { url: 'https://git.example.com/acme/new.git', branch: 'main', commit: 'c0ffee' },
  SECRET_OUT_OF_REACH: { secret: 'token', manager: 'keyring', connectivity: 'manager' },
  SECRET_DELETED: { secret: 'token', scope: 'accounts/acme' },
  SECRET_UNREADABLE: { secret: 'token', reason },
  CREDENTIAL_REFUSED: { host, reason, isVoid: true },
  CREDENTIAL_NEEDS_AUTHORISATION: { connector: 'accounts/acme/connectors/direct', reason },
  CREDENTIAL_APP_SUSPENDED: { host, installation: '7' },
  CREDENTIAL_APP_GONE: { host, installation: '7' },
  CREDENTIAL_UNUSABLE: { problem: 'It is no key', mend: 'Give it one' },
  CREDENTIAL_STALE: { reason },
  CREDENTIAL_UNKEPT: { reason },
  MASTER_KEY_MISSING: { key: 'k-1' },
  MASTER_KEY_RETIRED: { secret: 'token' },
  MASTER_KEY_REFUSED: { action: 'promote k-2', reason, mend: 'Retire k-1' },
  SECRET_VALUE_REFUSED: { secret: 'token', reason },
  SECRET_REVEAL_UNCONFIRMED: { manager: 'team' },
  SECRET_KEY_RETIRED: { manager: 'team', scope: 'accounts/a', key: 'transit/k:v1' },
  SECRET_AUDIT_UNWRITABLE: { file: '/data/audit.log', reason },
  SECRET_MANAGER_UNFIT: { problem: 'it has no key', mend: 'Give it one' },
  DELEGATE_GROUP_UNFIT: { group, problem: 'it has no keys', mend: 'Give it some' },
  SECRET_NOT_IN_STORE: { ...keeper, reason },
  SECRET_VERSION_GONE: { ...keeper, reason },
  SECRET_STORE_CONFLICT: { ...keeper, reason },
  SECRET_KEY_DISABLED: { ...keeper, reason },
  SECRET_KEY_GONE: { ...keeper, reason },
  SECRET_KEY_WRONG: { ...keeper, reason },
  SECRET_MANAGER_DENIED: { ...keeper, reason },
  SECRET_MANAGER_SIGN_IN_REFUSED: { ...keeper, reason },
  SECRET_MANAGER_THROTTLED: { ...keeper, reason, retryAfterSeconds: 3 },
  SECRET_MANAGER_SEALED: { ...keeper, reason },
  SECRET_MANAGER_UNAVAILABLE: { ...keeper, reason },
  SECRET_MANAGER_GARBLED: { ...keeper, reason },
  SECRET_MANAGER_MISCONFIGURED: { ...keeper, reason },
  GIT_UNREACHABLE: { host, reason },
  GIT_ADDRESS_DENIED: { host, address: '10.0.0.1' },
  GIT_AUTH_REJECTED: { host, status: 401 },
  GIT_HOST_KEY_REJECTED: { host },
  GIT_REPOSITORY_NOT_FOUND: { host },
  GIT_REPOSITORY_MOVED: { host, target: 'https://git.example.com/acme/new.git' },
  GIT_REF_NOT_FOUND: { ref: 'main' },
  GIT_BRANCH_EXISTS: { branch: 'main' },
  GIT_OBJECT_NOT_FOUND: { object: 'commit 1' },
  GIT_PUSH_REJECTED: { host, reason },
  GIT_BRANCH_BUSY: { host, branch: 'main', reason },
  GIT_PATH_BLOCKED: { path: 'a.yaml', by: 'a directory' },
  GIT_OBJECT_FORMAT_UNSUPPORTED: { host, format: 'sha256' },
  GIT_PROTOCOL_UNSUPPORTED: { host, reason },
  GIT_ANSWER_INVALID: { host, reason },
  GIT_LIMIT_EXCEEDED: { host, limit: 'objects of one pack', max: 5 },
  GIT_TIMEOUT: { host, seconds: 60 },
  GIT_CANCELLED: { host },
  GIT_HOST_ERROR: { host, status: 502 },
  GIT_OUTCOME_UNKNOWN: { host, reason },
  GIT_ENGINE_FAILED: { command: 'push', reason },
  PULL_REQUESTS_UNSUPPORTED: { provider: 'generic' },
  PULL_REQUEST_UNFIT: { branch: 'main' },
  PULL_REQUEST_BUSY: { id: '8a6e' },
  HOST_API_ADDRESS_UNCLEAR: { provider: 'github', reason },
  HOST_API_CREDENTIAL_MISSING: { connector: 'accounts/acme/connectors/app' },
  HOST_API_AUTH_REJECTED: { host, attempt, reason },
  HOST_API_FORBIDDEN: { host, attempt, reason },
  HOST_API_NOT_FOUND: { host, attempt, reason: '' },
  HOST_API_MOVED: { host, attempt, to: 'https://git.example.com/new' },
  HOST_API_RATE_LIMITED: { host, attempt, retryAfterMs: 1_500 },
  HOST_API_UNREACHABLE: { host, attempt, reason },
  HOST_API_FAULT: { host, attempt, status: 502 },
  HOST_API_GARBLED: { host, attempt, reason },
  HOST_API_UNSUPPORTED: { host, attempt, reason },
  HOST_API_NO_CHANGES: { host, head: 'topic', base: 'main' },
  HOST_API_BRANCH_MISSING: { host, branch: 'topic' },
  HOST_API_PROTECTED: { host, attempt, reason },
  HOST_API_DUPLICATE: { host, attempt, reason },
  HOST_API_REFUSED: { host, attempt, reason },
  DELEGATE_UNAVAILABLE: { reason },
  TASK_POISONED: { lost: 5, reason },
  DELEGATE_POLICY_REFUSED: { rule: 'git.allow', reason },
  DELEGATE_NOT_ENROLLED: { folder: '/data', reason },
  DELEGATE_KEYS_MISSING: { folder: '/data', reason },
  ENROLMENT_REFUSED: { reason, hint: 'Enrol again' },
  QUEUE_ACCESS_DENIED: { reason },
  DELEGATE_SILENT: { group, seconds: 30 },
  TASK_OUTCOME_UNKNOWN: { group, reason },
  TASK_EXPIRED: { seconds: 3 },
  TASK_REFUSED: { reason },
  CONTRACT_VERSION_MISMATCH: { manager: 2, delegate: 1 },
  QUEUE_UNAVAILABLE: { reason },
  AUDIT_UNWRITABLE: { account: 'accounts/acme', reason },
  DATABASE_UNAVAILABLE: { reason },
  CONFIGURATION_INVALID: { problems: ['A is empty', 'B is empty'] },
  COMMAND_INVALID: { problem: 'A URL is missing', usage: 'npm run -s git -- head URL' },
  ADDRESS_IN_USE: { what: 'The manager', address: '127.0.0.1:7070', setting: 'SALLYPORT_PORT' },
  KEY_FILE_UNUSABLE: { file: '/keys.json', reason },
  INTERNAL: { reference: 'r-1' },
};

const make = (code: ErrorCode): Failure =>
  new (Failure as unknown as new (code: ErrorCode, data: unknown) => Failure)(code, samples[code]);
const travel = (failure: Failure): Failure =>
  Failure.fromWire(JSON.parse(JSON.stringify(failure.toWire())) as WireFailure);
const codes = Object.keys(errors) as ErrorCode[];

describe('every row of the table', () => {
  it.each(codes)('%s crosses the wire unchanged', (code) => {
    const sent = make(code);
    const received = travel(sent);
    const seen = ({ message, hint, title, status, disposition, data }: Failure) => ({
      ...{ message, hint, title, status, disposition, data },
    });
    expect(received).toBeInstanceOf(Failure);
    expect(received.code).toBe(code);
    expect(seen(received)).toEqual(seen(sent));
    expect(received.data).toEqual(samples[code]);
  });

  it.each(codes)('%s says what happened and what to do, without a full stop', (code) => {
    const { message, hint, title, status, disposition } = make(code);
    for (const words of [message, hint, title]) {
      expect(words).toMatch(/\S/);
      expect(words).not.toMatch(/undefined|null|NaN|\[object|\.$/);
    }
    expect(message).not.toMatch(/failed to/i);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(['retry', 'wait', 'stop']).toContain(disposition);
  });

  it.each(codes.filter((code) => errors[code].disposition === 'retry'))(
    '%s is tried again, so it is no fault of the request',
    (code) => {
      expect(make(code).status).toBeGreaterThanOrEqual(500);
    },
  );
});

describe('a failure that crosses the wire', () => {
  it('keeps the name of the delegate that met it', () => {
    const failure = make('GIT_TIMEOUT');
    failure.delegate = 'eu-1';
    expect(failure.toWire()).toEqual({ code: 'GIT_TIMEOUT', data: samples.GIT_TIMEOUT, delegate: 'eu-1' });
    expect(travel(travel(failure)).delegate).toBe('eu-1');
  });

  it('names no delegate where none met it', () => {
    expect(Object.keys(make('GIT_TIMEOUT').toWire())).toEqual(['code', 'data']);
    expect(travel(make('GIT_TIMEOUT')).delegate).toBeUndefined();
  });

  it.each(['OF_THE_FUTURE', 'constructor', '__proto__', 'toString', ''])(
    'is INTERNAL where the code %j is not known',
    (code) => {
      const failure = Failure.fromWire({ code: code as ErrorCode, data: { secret: 1 }, delegate: 'd' });
      expect(failure.code).toBe('INTERNAL');
      expect(failure.data).toEqual({ reference: 'unknown-code' });
      expect(failure.delegate).toBe('d');
    },
  );

  it.each(['ENTITY_INVALID', 'CONFIGURATION_INVALID'] as const)(
    'is INTERNAL where %s comes without what it needs',
    (code) => {
      const failure = Failure.fromWire({ code, data: {}, delegate: 'd' });
      expect(failure).toMatchObject({
        code: 'INTERNAL',
        data: { reference: 'unreadable-failure' },
        delegate: 'd',
      });
    },
  );

  it('leaves its cause behind', () => {
    const failure = new Failure('INTERNAL', { reference: 'r' }, { cause: new Error('only for the log') });
    expect(JSON.stringify(failure.toWire())).not.toContain('only for the log');
  });
});

describe('redaction in the constructor', () => {
  it('strikes a registered secret out of message, hint and data', () => {
    const forget = registerSecret('correct-horse');
    const failure = new Failure('NOT_FOUND', { what: 'connector', id: 'correct-horse' });
    expect(failure.message).toBe('There is no connector ****** in this scope');
    expect(failure.data).toEqual({ what: 'connector', id: '******' });
    expect(JSON.stringify([failure.toWire(), failure.hint, failure.stack])).not.toContain('correct-horse');
    forget();
  });

  it('strikes out what only the whole message spells', () => {
    const forget = registerSecret('connector direct');
    expect(new Failure('NOT_FOUND', { what: 'connector', id: 'direct' }).message).toBe(
      'There is no ****** in this scope',
    );
    forget();
  });

  it('goes into lists and objects of the data', () => {
    const failure = new Failure('ENTITY_INVALID', {
      kind: 'pipeline',
      problems: [{ path: '/a', problem: 'see https://me:pw@git.example.com/', line: 1, column: 1 }],
    });
    expect(failure.data.problems[0]?.problem).toBe('see https://******@git.example.com/');
    expect(failure.message).not.toContain('me:pw');
  });

  it('holds for what came over the wire, too', () => {
    const forget = registerSecret('correct-horse');
    const failure = Failure.fromWire({ code: 'TASK_REFUSED', data: { reason: 'got correct-horse' } });
    expect(failure.message).toBe('The delegate refused the task: got ******');
    forget();
  });
});

it.each([
  ['a\0b', 'a\u2400b'],
  ['half of \ud83d', 'half of \ufffd'],
])('%j, which no database keeps, is there to be seen', (text, seen) => {
  const problems = [{ path: `/${text}`, problem: text, line: 1, column: 1 }];
  const failure = new Failure('ENTITY_INVALID', { kind: text, problems });
  expect(failure.data).toEqual({
    kind: seen,
    problems: [{ path: `/${seen}`, problem: seen, line: 1, column: 1 }],
  });
  expect(failure.message).toContain(seen);
  expect(failure.message).not.toContain(text);
});

describe('Failure.from', () => {
  it('passes a failure on as it is', () => {
    const failure = make('GIT_TIMEOUT');
    expect(Failure.from(failure)).toBe(failure);
  });

  it.each([new TypeError('x is not a function'), 'a string', undefined, null, { code: 'GIT_TIMEOUT' }])(
    'makes INTERNAL of %s and keeps it as the cause',
    (error) => {
      const failure = Failure.from(error, 'r-2');
      expect(failure).toMatchObject({ code: 'INTERNAL', data: { reference: 'r-2' } });
      expect(failure.cause).toBe(error);
    },
  );

  it('tells nothing of what it hides', () => {
    const { message, hint } = Failure.from(new Error('password is hunter2'));
    expect(message + hint).not.toContain('hunter2');
  });
});

it.each([
  [3, 1, 'Upgrade the delegate'],
  [1, 3, 'Upgrade the manager'],
])(
  'of contracts %i (manager) and %i (delegate), the older side is to be upgraded',
  (manager, delegate, hint) => {
    expect(new Failure('CONTRACT_VERSION_MISMATCH', { manager, delegate }).hint).toBe(hint);
  },
);
