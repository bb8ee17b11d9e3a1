import type { ComponentChildren } from 'preact';
import { type Permission, useMay } from '../data/may.js';

export interface AllowedProps {
  scope: string;
  needs: Permission;
  children: ComponentChildren;
}

/** Only for whoever may; the manager refuses it to everybody else in any case. */
export function Allowed({ scope, needs, children }: AllowedProps) {
  const mayDo = useMay(scope);
  return mayDo(needs) ? <>{children}</> : null;
}
