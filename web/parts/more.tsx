import type { ComponentChildren } from 'preact';

export interface MoreProps {
  title: string;
  isOpen?: boolean;
  children: ComponentChildren;
}

/** What most people leave as it is. */
export const More = ({ title, isOpen = false, children }: MoreProps) => (
  <details class="more" open={isOpen}>
    <summary>{title}</summary>
    <div class="stack">{children}</div>
  </details>
);
