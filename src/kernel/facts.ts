// What happened, told on diagnostics channels: rooms that know of it need not know who counts it, and where nobody does, telling
// costs nothing. A fact holds words of ours and numbers, and of others’ words the names of hosts and groups alone.
import { type Channel, channel } from 'node:diagnostics_channel';

/** `OK`, or the code of a failure. */
type Code = string;

/** By name, what is told. Times in seconds. */
export interface Facts {
  /** A request to the API or to the door of webhooks is here, or its answer is over. */
  'api.flight': { change: 1 | -1 };
  /** `route` is a template; null where there is none. `seconds` is null for a stream, which lasts as long as somebody listens. */
  'api.request': { method: string; route: string | null; status: number; seconds: number | null };
  /** `busy`: another manager had the lane. */
  'lane.round': { outcome: 'worked' | 'idle' | 'busy' | 'lost' | 'fault'; seconds: number };
  /** Of one batch, whatever came of it. */
  'lane.push': { outcome: 'landed' | 'moved' | 'conflict' | 'fault'; operations: number; seconds: number };
  'lane.fault': { code: Code };
  /** `seconds` since it was accepted. */
  'operation.end': { action: string; state: string; code: Code; seconds: number };
  /** One request to a Git host, to the end of its answer; of bodies, after decompression. */
  'git.request': {
    host: string;
    kind: 'git' | 'api';
    code: Code;
    seconds: number;
    bytesUp: number;
    bytesDown: number;
  };
  /** A host asked for patience. */
  'git.pause': { host: string; kind: 'git' | 'api'; seconds: number };
  'queue.job': { job: string; outcome: 'done' | 'failed'; waitSeconds: number; seconds: number };
  /** Code `unanswered`: a delegate was lost over it, or it was taken back before it was begun. */
  'delegate.task': { group: string; task: string; code: Code; seconds: number };
  'delegate.forgery': Record<string, never>;
  /** `kind` of the secret manager that keeps it. */
  'secret.open': { kind: string; code: Code };
  'secret.renewal': { action: string; code: Code };
  'webhook.arrival': { provider: string | null; code: Code };
  /** `seconds` since it came. */
  'webhook.end': { provider: string; outcome: string; seconds: number };
  /** From what a webhook told to the end of the look that it led to. */
  'webhook.lag': { provider: string; seconds: number };
  'poll.look': { because: 'hint' | 'schedule'; outcome: string; missed: boolean; seconds: number };
  /** Of one branch; `files` by what became of them. */
  'refresh.end': { outcome: string; seconds: number; files: Readonly<Record<string, number>> };
  'import.part': { work: string; files: Readonly<Record<string, number>> };
  'import.end': { outcome: string };
  'pull.work': { work: 'open' | 'look' | 'copies'; code: Code; seconds: number };
  'event.delivery': { outcome: string; seconds: number };
}

export type FactName = keyof Facts;

const channels = new Map<FactName, Channel>();

function channelOf(name: FactName): Channel {
  const known = channels.get(name);
  if (known !== undefined) return known;
  const made = channel(`sallyport:${name}`);
  channels.set(name, made);
  return made;
}

export function tell<N extends FactName>(name: N, fact: Facts[N]): void {
  const told = channelOf(name);
  if (told.hasSubscribers) told.publish(fact);
}

/** Until the answer is called. A listener must not throw: whoever tells is not to blame for it. */
export function hear<N extends FactName>(name: N, listener: (fact: Facts[N]) => void): () => void {
  const heard = (fact: unknown): void => listener(fact as Facts[N]);
  const told = channelOf(name);
  told.subscribe(heard);
  return () => {
    told.unsubscribe(heard);
  };
}

/** Seconds since that moment on the clock of `performance.now()`. */
export const secondsSince = (began: number): number => (performance.now() - began) / 1_000;
