// What the bench of secrets says: for the terminal, and as a section of the documentation.
import { fillSection, type Times, table, verdict } from './delegates-report.js';
import type { Target } from './rows.js';

/** A secret of a keyring; of a KMS, whose data key the delegate has to ask for; and one that it remembers. */
export const saveNames = ['keyring', 'cold', 'warm'] as const;
export type SaveName = (typeof saveNames)[number];

export interface SecretResults {
  date: string;
  versions: Record<string, string>;
  cpus: number;
  /** Rounds of everything. */
  count: number;
  work: Record<string, Times>;
  /** With the requests of one save to the KMS. */
  saves: Record<SaveName, Times & { requests: number }>;
  /** One Decrypt, by the same client. */
  roundTrip: Times;
  targets: Target[];
}

const ADDED_MS_MAX = 5;

export function judgeSecrets({ saves, roundTrip }: Pick<SecretResults, 'saves' | 'roundTrip'>): Target[] {
  const judge = (name: SaveName, unavoidable: number, target: string): Target => {
    const added = Number((saves[name].medianMs - saves.keyring.medianMs - unavoidable).toFixed(1));
    return { target, measured: `${added} ms`, met: added < ADDED_MS_MAX };
  };
  return [
    judge(
      'cold',
      roundTrip.medianMs,
      `a cold data key adds less than ${ADDED_MS_MAX} ms to the round trip to the KMS, at the median`,
    ),
    judge('warm', 0, `a warm data key adds less than ${ADDED_MS_MAX} ms at the median`),
  ];
}

export function printSecrets({ work, saves, roundTrip, targets }: SecretResults): string {
  return [
    ...Object.entries(work).map(([name, { medianMs, p95Ms }]) => `${name}: ${medianMs} ms (p95 ${p95Ms})`),
    ...saveNames.map(
      (name) =>
        `save, ${name}: ${saves[name].medianMs} ms (p95 ${saves[name].p95Ms}), ${saves[name].requests} requests to the KMS`,
    ),
    `round trip to the KMS: ${roundTrip.medianMs} ms (p95 ${roundTrip.p95Ms})`,
    'Targets',
    ...targets.map((one) => `${verdict(one)}  ${one.target}: ${one.measured}`),
  ].join('\n');
}

/** The page with the part between its markers made anew. */
export const fillSecrets = (page: string, results: SecretResults): string =>
  fillSection(page, 'secrets', describe(results));

const titles: Record<SaveName, string> = {
  keyring: 'of a keyring',
  cold: 'of a KMS, data key not remembered',
  warm: 'of a KMS, data key remembered',
};

function describe({ date, versions, cpus, count, work, saves, roundTrip, targets }: SecretResults): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    '',
    `Measured on ${date} with ${named.join(', ')}; ${cpus} CPUs, ${count} rounds.`,
    '',
    table(['target', 'measured', ''], ...targets.map((one) => [one.target, one.measured, verdict(one)])),
    '',
    table(
      ['save through a delegate, with a secret', 'median ms', 'p95 ms', 'requests to the KMS'],
      ...saveNames.map((name) => [
        titles[name],
        saves[name].medianMs,
        saves[name].p95Ms,
        saves[name].requests,
      ]),
      ['the round trip to the KMS alone', roundTrip.medianMs, roundTrip.p95Ms, 1],
    ),
    '',
    table(
      ['1 KiB, in one process', 'median ms', 'p95 ms'],
      ...Object.entries(work).map(([name, { medianMs, p95Ms }]) => [name, medianMs, p95Ms]),
    ),
    '',
    '',
  ].join('\n');
}
