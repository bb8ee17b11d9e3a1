import type { ComponentChildren } from 'preact';
import { type Permission, useMay } from '../data/may.js';
import { Note } from './problem.js';

export interface AllowedProps {
  scope: string;
  needs: Permission;
  /** Says so to everybody else, where nothing would be left to look at. */
  isTold?: boolean;
  children: ComponentChildren;
}

/** Only for whoever may; the manager refuses it to everybody else in any case. */
export function Allowed({ scope, needs, isTold = false, children }: AllowedProps) {
  const mayDo = useMay(scope);
  if (mayDo(needs)) return <>{children}</>;
  return isTold ? (
    <Note icon="lock" title={`It takes the permission ${needs}`}>
      Whoever manages access here can give you a role that has it.
    </Note>
  ) : null;
}
