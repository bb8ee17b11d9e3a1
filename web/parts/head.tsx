import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

export interface HeadProps {
  title: string;
  /** Where it is: from the outermost. */
  trail?: readonly { label: string; href: string }[];
  /** Beside the title. */
  mark?: ComponentChildren;
  /** Below the title. */
  note?: ComponentChildren;
  children?: ComponentChildren;
}

/** The top of a screen, which is also what the window is called. */
export function Head({ title, trail = [], mark, note, children }: HeadProps) {
  useEffect(() => {
    document.title = `${title} · Sallyport`;
  }, [title]);
  return (
    <header class="head">
      <div class="titles">
        {trail.length > 0 && (
          <nav class="trail" aria-label="Breadcrumb">
            {trail.map(({ label, href }) => (
              <span key={href}>
                <a href={href}>{label}</a> /
              </span>
            ))}
          </nav>
        )}
        <div class="row">
          <h1>{title}</h1>
          {mark}
        </div>
        {note !== undefined && <p class="quiet small">{note}</p>}
      </div>
      {children !== undefined && <div class="ends">{children}</div>}
    </header>
  );
}
