import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.js';

export interface EmptyProps {
  icon: IconName;
  title: string;
  /** What to do next. */
  children: ComponentChildren;
  action?: ComponentChildren;
}

export const Empty = ({ icon, title, children, action }: EmptyProps) => (
  <div class="empty">
    <Icon name={icon} size={44} />
    <h2>{title}</h2>
    <p>{children}</p>
    {action !== undefined && <div class="row">{action}</div>}
  </div>
);
