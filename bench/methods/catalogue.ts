// The methods that are compared, by the name they have in the results.
import { isomorphicCold, isomorphicWarm } from './isomorphic.js';
import type { Method, OperationName } from './method.js';
import { plainGit } from './plain-git.js';
import { sallyport } from './sallyport.js';
import { simpleClone, simplePlumbing, simpleWarm } from './simple.js';

export interface Entry {
  make: () => Method;
  /** Warm: something is kept between operations. Cold: nothing is, not even what is known of the host. */
  state: 'cold' | 'warm';
  operations: OperationName[];
}

const WARM: OperationName[] = ['save', 'read', 'refresh', 'save100'];
const COLD: OperationName[] = ['save', 'read'];

export const SALLYPORT = { warm: 'Sallyport, warm', cold: 'Sallyport, cold' };

export const catalogue: Record<string, Entry> = {
  [SALLYPORT.warm]: { make: () => sallyport('in process', true), state: 'warm', operations: WARM },
  'Sallyport native, warm': { make: () => sallyport('native', true), state: 'warm', operations: WARM },
  'isomorphic-git, warm': { make: isomorphicWarm, state: 'warm', operations: WARM },
  'simple-git, warm clone': { make: simpleWarm, state: 'warm', operations: WARM },
  'simple-git, warm plumbing': { make: simplePlumbing, state: 'warm', operations: WARM },
  'git, one fast-import and push': { make: plainGit, state: 'warm', operations: ['save', 'save100'] },
  [SALLYPORT.cold]: { make: () => sallyport('in process', false), state: 'cold', operations: COLD },
  'Sallyport native, cold': { make: () => sallyport('native', false), state: 'cold', operations: COLD },
  'isomorphic-git, clone': { make: isomorphicCold, state: 'cold', operations: COLD },
  'simple-git, shallow clone': { make: () => simpleClone('shallow'), state: 'cold', operations: COLD },
  'simple-git, blobless clone': { make: () => simpleClone('blobless'), state: 'cold', operations: COLD },
};

/** Where a method could also put all its waiting saves on the branch with one push. */
export const ONE_PUSH = 'isomorphic-git, warm, one push';
export const ONE_PUSH_OF = 'isomorphic-git, warm';
