// What a connector check says of a host that cannot do everything: nothing fails for it, but something costs more.
import { isTruthful } from './capabilities.js';
import type { HostFeatures } from './git.js';

/** A sentence for everything the host lacks; none for one that lacks nothing. */
export function describeCosts(host: HostFeatures): string[] {
  const costs: [boolean, string][] = [
    [
      host.protocol !== 2,
      'It does not speak protocol version 2: every look at a branch lists all references',
    ],
    [!host.filter, 'It cannot filter: the first fetch of a commit brings all its files along'],
    [!host.shallow, 'It cannot leave out history: the first fetch brings all of it along'],
    [host.wants === 'commits', 'It gives commits alone: reading a file fetches all files of its commit'],
    [host.push?.reportStatus === false, 'It does not report what became of a push'],
    [!isTruthful(host), 'Its reports are not relied on: after every push the branch is read once more'],
  ];
  return costs.filter(([applies]) => applies).map(([, cost]) => cost);
}
