// How something stands, in a colour, a sign and a word: no one of them alone has to be seen.
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.js';

export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'calm';

const signs: Record<Tone, IconName> = { ok: 'check', busy: 'ring', warn: 'alert', bad: 'stop', calm: 'dot' };

export interface StateProps {
  tone: Tone;
  icon?: IconName;
  title?: string | undefined;
  children: ComponentChildren;
}

export const State = ({ tone, icon = signs[tone], title, children }: StateProps) => (
  <span class={`state ${tone}`} title={title}>
    <Icon name={icon} size={12} />
    {children}
  </span>
);
