import type { ComponentChildren } from 'preact';

export interface PanelProps {
  title?: string | undefined;
  /** At the end of its head. */
  ends?: ComponentChildren;
  /** Without room around what it holds, such as a table. */
  isFlush?: boolean;
  footer?: ComponentChildren;
  /** On its upper edge. */
  news?: ComponentChildren;
  children: ComponentChildren;
}

export const Panel = ({ title, ends, isFlush = false, footer, news, children }: PanelProps) => (
  <section class="panel" aria-label={title}>
    {title !== undefined && (
      <header>
        <h2>{title}</h2>
        {ends !== undefined && <span class="row push">{ends}</span>}
      </header>
    )}
    {isFlush ? children : <div class="body">{children}</div>}
    {footer !== undefined && <footer>{footer}</footer>}
    {news}
  </section>
);

/** Names and what they are, beside each other; what is undefined is left out. */
export const Facts = ({
  facts,
}: {
  facts: readonly (readonly [string, ComponentChildren] | undefined)[];
}) => (
  <dl class="facts">
    {facts.map((one) =>
      one === undefined ? null : [<dt key={`${one[0]}-name`}>{one[0]}</dt>, <dd key={one[0]}>{one[1]}</dd>],
    )}
  </dl>
);
