// What became of a delivery, as it is kept and answered.

export const outcomeKinds = [
  /** Something of ours acted on it, as the details say. */
  'acted',
  /** It was understood, and nothing had to be done. */
  'noted',
  /** One of the same moment told the same, and did what there was to do. */
  'joined',
  'ping',
  /** The host told of something that no connector needs. */
  'ignored',
  /** It tells of a repository that is not the connector’s. */
  'other-repository',
  /** It is authentic, and cannot be read. */
  'malformed',
  /** It will be tried again. */
  'resting',
  'failed',
] as const;

export interface Outcome {
  kind: (typeof outcomeKinds)[number];
  /** In words, one for each thing that was done or stood in the way. */
  details: string[];
}

export const outcome = (kind: Outcome['kind'], ...details: string[]): Outcome => ({ kind, details });
