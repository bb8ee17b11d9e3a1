// Pure: which delegate carries a task, and for every other one why it does not.
import { isGitAllowed, placeOf } from '../policy/git-patterns.js';
import { outwards, type Scope } from '../scopes/scope.js';
import type { DelegateState } from '../storage/schema.js';

export interface Candidate {
  id: string;
  name: string;
  group: string;
  groupId: string;
  scope: Scope;
  state: DelegateState;
  alive: boolean;
  said: 'hello' | 'heartbeat' | 'draining' | 'goodbye';
  /** How long nobody has heard of it. */
  silentMs: number;
  contract: number;
  contractOldest: number;
  tags: readonly string[];
  tasksMax: number;
  /** Whether it can open all that is sealed to its group now. */
  hasGroupKeys: boolean;
  /** Tasks it has, running or waiting for it. */
  busy: number;
  nativeGit: boolean;
  /** What its own policy lets it reach; null: anything. */
  gitAllowed: readonly string[] | null;
  /** What is remembered of its last try to reach the host. */
  reach: { ok: boolean; detail: string } | undefined;
}

export interface Wanted {
  /** Of the connector: a delegate serves its own scope and what is within. */
  scope: Scope;
  group: string | null;
  /** Id of the one group that can do it. */
  groupId?: string | undefined;
  /** Id of the one delegate that can do it. */
  only?: string | undefined;
  tags: readonly string[];
  /** Of the repository; null where none is part of the task. */
  url: string | null;
  /** Contract versions the manager speaks, or the task needs. */
  contract: { oldest: number; latest: number };
}

export type ReasonCode =
  | 'scope'
  | 'group'
  | 'tag'
  | 'revoked'
  | 'disabled'
  | 'draining'
  | 'dead'
  | 'starting'
  | 'keys'
  | 'contract'
  | 'allow-list'
  | 'engine'
  | 'unreachable'
  | 'full';

export interface Verdict {
  delegate: Candidate;
  eligible: boolean;
  /** Why not; for an eligible one, why it would have to wait. */
  reasons: { code: ReasonCode; detail: string }[];
}

type Rule = [code: ReasonCode, holds: (candidate: Candidate, wanted: Wanted) => string | undefined];

const rules: Rule[] = [
  [
    'scope',
    ({ scope }, wanted) =>
      outwards(wanted.scope).includes(scope) ? undefined : `it serves ${scope}, not ${wanted.scope}`,
  ],
  [
    'group',
    ({ id, group, groupId }, wanted) => {
      if (wanted.only !== undefined && wanted.only !== id) return 'another delegate has begun it';
      if (wanted.group !== null && wanted.group !== group)
        return `it is of group ${group}, not ${wanted.group}`;
      return wanted.groupId === undefined || wanted.groupId === groupId
        ? undefined
        : 'the value was sealed to another group';
    },
  ],
  [
    'tag',
    ({ tags }, wanted) => {
      const missing = wanted.tags.filter((tag) => !tags.includes(tag));
      return missing.length === 0 ? undefined : `it lacks ${missing.join(', ')}`;
    },
  ],
  ['revoked', ({ state }) => (state === 'revoked' ? 'it was revoked' : undefined)],
  ['disabled', ({ state }) => (state === 'disabled' ? 'it was disabled' : undefined)],
  [
    'draining',
    ({ state, said }) =>
      state === 'draining' || said === 'draining' ? 'it takes no further tasks' : undefined,
  ],
  [
    'dead',
    ({ alive, said }) => {
      if (alive) return undefined;
      return said === 'goodbye' ? 'it is not running' : 'it has fallen silent';
    },
  ],
  ['starting', ({ said }) => (said === 'hello' ? 'it has not begun to take tasks yet' : undefined)],
  ['keys', ({ hasGroupKeys }) => (hasGroupKeys ? undefined : 'it lacks the current keys of its group')],
  [
    'contract',
    ({ contract, contractOldest }, { contract: { oldest, latest } }) =>
      contract < oldest || contractOldest > latest
        ? `it speaks contract ${contract}, the manager ${oldest === latest ? latest : `${oldest} to ${latest}`}`
        : undefined,
  ],
  [
    'allow-list',
    ({ gitAllowed }, { url }) =>
      url === null || gitAllowed === null || isGitAllowed(gitAllowed, url)
        ? undefined
        : 'its own policy does not allow this repository',
  ],
  [
    'engine',
    ({ nativeGit }, { url }) =>
      url === null || nativeGit || /^https?:/i.test(url)
        ? undefined
        : 'it has no system git, which SSH needs',
  ],
  [
    'unreachable',
    ({ reach }, { url }) =>
      url === null || reach === undefined || reach.ok
        ? undefined
        : `it could not reach ${placeOf(url).host}: ${reach.detail}`,
  ],
];

/** What speaks against this delegate; nothing for one that is eligible, but for that it is full. */
export function judge(candidate: Candidate, wanted: Wanted): Verdict {
  const reasons: Verdict['reasons'] = [];
  for (const [code, objection] of rules) {
    const detail = objection(candidate, wanted);
    if (detail !== undefined) reasons.push({ code, detail });
  }
  const eligible = reasons.length === 0;
  const { busy, tasksMax } = candidate;
  if (busy >= tasksMax)
    reasons.push({ code: 'full', detail: `it has ${busy} tasks and does ${tasksMax} at once` });
  return { delegate: candidate, eligible, reasons };
}

/** All of them, judged: the eligible first, and of them the one to take first. */
export function rank(candidates: readonly Candidate[], wanted: Wanted): Verdict[] {
  return candidates.map((candidate) => judge(candidate, wanted)).sort(compare);
}

/** Eligible ones first; then the narrower scope, the lower load, the one that is known to reach the host, the id. */
function compare(one: Verdict, other: Verdict): number {
  return (
    Number(other.eligible) - Number(one.eligible) ||
    isFull(one) - isFull(other) ||
    depth(other) - depth(one) ||
    load(one) - load(other) ||
    known(other) - known(one) ||
    (one.delegate.id < other.delegate.id ? -1 : 1)
  );
}

const isFull = ({ delegate }: Verdict): number => Number(delegate.busy >= delegate.tasksMax);
const depth = ({ delegate }: Verdict): number => delegate.scope.split('/').length;
const load = ({ delegate }: Verdict): number => delegate.busy / delegate.tasksMax;
const known = ({ delegate }: Verdict): number => Number(delegate.reach?.ok === true);

/** For so long a delegate that has gone counts as one that comes back. */
const ABSENCE_MS_MAX = 24 * 3_600_000;
/** What passes by itself. */
const passing: ReadonlySet<ReasonCode> = new Set([
  'draining',
  'dead',
  'starting',
  'keys',
  'unreachable',
  'full',
]);

/** Those that could carry it if they were there, and may be before long: for them a task is worth waiting. */
export function findAbsent(verdicts: readonly Verdict[]): Verdict[] {
  return verdicts.filter(
    ({ eligible, reasons, delegate }) =>
      !eligible && delegate.silentMs <= ABSENCE_MS_MAX && reasons.every(({ code }) => passing.has(code)),
  );
}

/** In a sentence, why it waits although somebody was there to ask. */
export function explainWaiting(
  { delegate, message }: { delegate?: string; message: string },
  absent: readonly Verdict[],
): string {
  return `delegate ${delegate ?? '(unnamed)'} does not do it (${message}), and who may cannot now (${list(absent)})`;
}

/** In a sentence, why nobody carries it. */
export function explainNobody(verdicts: readonly Verdict[], wanted: Wanted): string {
  const asked = [
    wanted.group === null ? `in the scope of ${wanted.scope}` : `of group ${wanted.group}`,
    ...(wanted.tags.length === 0 ? [] : [`with ${wanted.tags.join(', ')}`]),
    ...(wanted.only === undefined ? [] : ['that has begun it']),
  ].join(' ');
  const near = verdicts.filter(
    ({ reasons }) => !reasons.some(({ code }) => code === 'scope' || code === 'group'),
  );
  if (near.length === 0) return `no delegate ${asked} has enrolled`;
  return `no delegate ${asked} can do it (${list(near)})`;
}

const NAMED_MAX = 5;

function list(verdicts: readonly Verdict[]): string {
  const each = verdicts
    .slice(0, NAMED_MAX)
    .map(({ delegate, reasons }) => `${delegate.group}/${delegate.name}: ${reasons[0]?.detail ?? 'busy'}`);
  return `${each.join('; ')}${verdicts.length > NAMED_MAX ? '; …' : ''}`;
}
