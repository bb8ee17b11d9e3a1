import { lazily } from './lazy.js';

export const LazyDiff = lazily(async () => (await import('./diff.js')).Diff);
