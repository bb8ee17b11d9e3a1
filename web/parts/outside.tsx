import type { ComponentChildren } from 'preact';

/** To another site: what is on the screen stays, and the site is not told where one came from. */
export const Outside = ({ href, children }: { href: string; children: ComponentChildren }) => (
  <a href={href} rel="noreferrer" target="_blank">
    {children}
  </a>
);
