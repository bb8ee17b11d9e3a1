import { State } from '../parts/state.js';
import type { Said } from './following.js';

export const SaidState = ({ said: { word, tone, icon, why } }: { said: Said }) => (
  <State tone={tone} title={why} {...(icon === undefined ? {} : { icon })}>
    {word}
  </State>
);
