// A refresh token, exchanged on this side of the wall. Its successor is on this disk before anything else happens, then with the
// secret manager that keeps the one before, and only then the token is told to anybody, sealed.
import type { CarriedSecret } from '../../src/contract/remote.js';
import type { TaskInput, TaskOutput } from '../../src/contract/tasks.js';
import { digestOf, refresh } from '../../src/credentials/oauth2.js';
import type { Grant, Spent } from '../../src/credentials/token-endpoint.js';
import type { Envelope } from '../../src/envelope/envelope.js';
import { Failure } from '../../src/kernel/failure.js';
import type { Secret } from '../../src/kernel/secret.js';
import { step } from '../../src/kernel/step.js';
import type { TaskContext } from '../../src/queue/task-worker.js';
import { type DelegateAccess, type Openers, tokenPlace } from './access.js';
import type { ExchangedTokens } from './exchanged.js';

export interface Exchanging {
  access: DelegateAccess;
  openers: Openers;
  exchanged: ExchangedTokens;
}

type Input = TaskInput<'credentials.exchange'>;
type Output = TaskOutput<'credentials.exchange'>;

/** @throws CREDENTIAL_REFUSED, SECRET_*, GIT_*, DELEGATE_POLICY_REFUSED */
export async function exchangeGrant(
  exchanging: Exchanging,
  input: Input,
  task: TaskContext,
): Promise<Output> {
  const { access } = exchanging;
  const options = await access.endpoint(input.tokenUrl, input.trust, task);
  const clientSecret = await access.openSecret(input.clientSecret, task);
  let opened: Secret | undefined;
  try {
    const refreshToken = await access.openSecret(input.refreshToken, task);
    opened = refreshToken;
    const digest = digestOf(refreshToken);
    return await exchanging.exchanged.inTurn(digest, async () => {
      const known = exchanging.exchanged.find(digest);
      if (known !== undefined) return { token: null, rotated: await tellKnown(exchanging, input, known) };
      const { tokenUrl, clientId } = input;
      const answer = await refresh({ tokenUrl, clientId, clientSecret, refreshToken }, options);
      return tellAnswer(exchanging, input, { ...answer, digest });
    });
  } finally {
    clientSecret.wipe();
    opened?.wipe();
  }
}

async function tellAnswer(
  exchanging: Exchanging,
  input: Input,
  answer: (Grant | Spent) & { digest: string },
): Promise<Output> {
  const { keyring } = exchanging.openers;
  const { token, rotated, digest } = answer;
  try {
    if (rotated !== null) {
      const sealed = await rotated.use((bytes) => keyring.put(bytes, successorPlace(input)));
      exchanging.exchanged.note(digest, sealed as Envelope);
    }
    const kept = rotated === null ? null : await keep(exchanging, input, rotated);
    if (token === null) return { token: null, rotated: kept };
    const sealed = await token.use((bytes) => keyring.put(bytes, tokenPlace(input.scope, input.id)));
    return { token: { sealed: sealed as Envelope, expiresAt: answer.expiresAt }, rotated: kept };
  } finally {
    token?.wipe();
    rotated?.wipe();
  }
}

async function tellKnown(exchanging: Exchanging, input: Input, known: Envelope): Promise<Output['rotated']> {
  const successor = await exchanging.openers.keyring.open(known, successorPlace(input));
  try {
    return await keep(exchanging, input, successor);
  } finally {
    successor.wipe();
  }
}

/** Gives it into the keeping of whoever keeps the refresh token that it follows. */
async function keep(
  { openers }: Exchanging,
  { refreshToken, next }: Input,
  successor: Secret,
): Promise<Output['rotated']> {
  if (refreshToken.manager === 'builtin')
    return { kind: 'value', value: successor.use((bytes) => bytes.toString('base64')) };
  const place = { scope: refreshToken.scope, secret: refreshToken.id };
  const outside = refreshToken.manager === 'keyring' ? undefined : assertEnvelope(refreshToken);
  const stored = await step('delegate.keep-refresh-token', () =>
    successor.use((bytes) =>
      outside === undefined
        ? openers.keyring.put(bytes, place, { version: next })
        : openers.managers.use(outside.keptBy, (manager) => manager.put(bytes, place, { version: next })),
    ),
  ).catch((error: unknown) => {
    // Nobody else has it: whoever is asked in this one’s place would show the host what it takes no more.
    throw new Failure('CREDENTIAL_UNKEPT', { reason: Failure.from(error).message }, { cause: error });
  });
  return { kind: 'stored', stored };
}

/** A store would have it at another path than the one that the secret names. @throws CREDENTIAL_UNUSABLE */
function assertEnvelope(secret: Extract<CarriedSecret, { manager: 'outside' }>) {
  if (!('path' in secret.stored)) return secret;
  throw new Failure('CREDENTIAL_UNUSABLE', {
    problem: `The refresh token ${secret.id} is in a store`,
    mend: 'Keep it with the builtin secret manager, a keyring or a KMS',
  });
}

const successorPlace = ({ scope, id }: Input) => ({ scope, secret: `grant:${id}:successor` });
