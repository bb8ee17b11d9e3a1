// What a host can do is asked once and remembered for ten minutes, so that a warm operation costs no discovery. A repository
// that was never met is taken to be like its neighbours on the same host, until an answer shows that it is not.
import { Failure } from '../kernel/failure.js';
import { type Advertisement, readAdvertisement } from './advertisement.js';
import type { HostFeatures, PushFeatures } from './git.js';
import { quoteServer } from './host-answer.js';
import type { Session } from './session.js';

/** What a fetch may ask for. */
export interface Capabilities extends HostFeatures {
  /** Names of all the host offered. */
  offers: ReadonlySet<string>;
}

interface Known {
  capabilities: Capabilities;
  /** Moment on the clock of `performance.now()`. */
  until: number;
}

const REMEMBER_MS = 600_000;
const REMEMBER_MAX = 10_000;
/** Git itself takes a push without the list that comes before it; of others nothing is taken for granted. */
const OF_GIT = { reportStatus: true, thinPacks: true, sideBand: true, agent: true };

/** By repository and credential. */
const repositories = new Map<string, Known>();
/** By origin: what the last repository met there could do. */
const hosts = new Map<string, Known>();

/** What is known of the repository, or of its host; `null` when nothing is, or what is has expired. */
export function recallCapabilities(session: Session): Capabilities | null {
  return (
    recall(repositories, session.partition)?.capabilities ??
    recall(hosts, session.origin)?.capabilities ??
    null
  );
}

/** Whether what is known was said by this repository, and not by a neighbour. */
export function isOwnWord(session: Session): boolean {
  return recall(repositories, session.partition) !== undefined;
}

/** The host's capabilities for this repository, from memory when they are fresh. */
export async function knowCapabilities(session: Session): Promise<Capabilities> {
  return recallCapabilities(session) ?? (await discoverCapabilities(session));
}

/** As `knowCapabilities`, from the repository itself: whose report of a push is believed is no matter for guesses. */
export async function hearOwnWord(session: Session): Promise<Capabilities> {
  return recall(repositories, session.partition)?.capabilities ?? (await discoverCapabilities(session));
}

/**
 * Asks the host.
 * @throws Failure GIT_PROTOCOL_UNSUPPORTED, GIT_OBJECT_FORMAT_UNSUPPORTED for anything but SHA-1
 */
export async function discoverCapabilities(session: Session): Promise<Capabilities> {
  return noteCapabilities(session, await readAdvertisement(session, 'git-upload-pack'));
}

/** Remembers what the host said of itself. @throws as discoverCapabilities */
export function noteCapabilities(session: Session, said: Advertisement): Capabilities {
  const capabilities = said.protocol === 2 ? ofVersion2(session, said) : ofOlder(session, said);
  // Before version 2 a repository without references says nothing; it will, once it has one.
  if (said.protocol !== 2 && said.words.size === 0) return capabilities;
  const known = { capabilities, until: performance.now() + REMEMBER_MS };
  remember(repositories, session.partition, known);
  remember(hosts, session.origin, known);
  return capabilities;
}

/** Makes the next operation ask again: an answer showed that the host is not what it was. */
export function forgetCapabilities(session: Session): void {
  repositories.delete(session.partition);
  hosts.delete(session.origin);
}

/** What a push to this host may ask for: known of git, asked of others and remembered. */
export async function knowPushFeatures(session: Session): Promise<Pick<PushFeatures, keyof typeof OF_GIT>> {
  const capabilities = await knowCapabilities(session);
  return capabilities.push ?? (isGit(capabilities) ? OF_GIT : discoverPushFeatures(session, capabilities));
}

/** Asks the host, and so whether it would take a push from this credential, as far as it says so before one is made. */
export async function discoverPushFeatures(
  session: Session,
  capabilities: Capabilities,
): Promise<PushFeatures> {
  const { words } = await readAdvertisement(session, 'git-receive-pack');
  const push = {
    reportStatus: words.has('report-status'),
    reportStatusV2: words.has('report-status-v2'),
    thinPacks: !words.has('no-thin'),
    sideBand: words.has('side-band-64k'),
    atomic: words.has('atomic'),
    pushOptions: words.has('push-options'),
    agent: words.has('agent'),
  };
  const until = performance.now() + REMEMBER_MS;
  if (capabilities.offers.size > 0)
    remember(repositories, session.partition, { capabilities: { ...capabilities, push }, until });
  return push;
}

/** What a host can do, without what only the engine needs. */
export function featuresOf(capabilities: Capabilities): HostFeatures {
  const { agent, protocol, filter, shallow, wants, objectFormat, push } = capabilities;
  return { agent, protocol, filter, shallow, wants, objectFormat, push };
}

/** Whether an `ok` of this host may be taken for the truth. Some say it of a push they did not apply. */
export function isTruthful({ agent }: HostFeatures): boolean {
  return agent !== null && /^(?:git|jgit)\//i.test(agent);
}

function isGit({ agent }: HostFeatures): boolean {
  return agent !== null && /^git\//.test(agent);
}

function ofVersion2({ host }: Session, { words }: Advertisement): Capabilities {
  requireSha1(host, words);
  if (!words.has('ls-refs') || !words.has('fetch'))
    throw new Failure('GIT_PROTOCOL_UNSUPPORTED', {
      host,
      reason: 'it lacks the commands ls-refs and fetch',
    });
  const fetch = (words.get('fetch') ?? '').split(' ');
  return {
    agent: agentOf(words),
    protocol: 2,
    filter: fetch.includes('filter'),
    shallow: fetch.includes('shallow'),
    wants: 'any',
    objectFormat: 'sha1',
    push: null,
    offers: new Set(words.keys()),
  };
}

function ofOlder({ host }: Session, { protocol, words }: Advertisement): Capabilities {
  requireSha1(host, words);
  if (words.size > 0 && !words.has('side-band-64k'))
    throw new Failure('GIT_PROTOCOL_UNSUPPORTED', { host, reason: 'it does not offer side-band-64k' });
  return {
    agent: agentOf(words),
    protocol,
    filter: words.has('filter'),
    shallow: words.has('shallow'),
    wants: words.has('allow-any-sha1-in-want') ? 'any' : 'commits',
    objectFormat: 'sha1',
    push: null,
    offers: new Set(words.keys()),
  };
}

function requireSha1(host: string, words: Map<string, string>): void {
  const format = words.get('object-format') ?? 'sha1';
  if (!format.split(' ').includes('sha1'))
    throw new Failure('GIT_OBJECT_FORMAT_UNSUPPORTED', { host, format: quoteServer(format) });
}

function agentOf(words: Map<string, string>): string | null {
  const agent = quoteServer(words.get('agent') ?? '');
  return agent === '' ? null : agent;
}

function recall(memory: Map<string, Known>, key: string): Known | undefined {
  const known = memory.get(key);
  return known !== undefined && known.until > performance.now() ? known : undefined;
}

function remember(memory: Map<string, Known>, key: string, known: Known): void {
  memory.delete(key);
  memory.set(key, known);
  const oldest = memory.keys().next().value;
  if (memory.size > REMEMBER_MAX && oldest !== undefined) memory.delete(oldest);
}
