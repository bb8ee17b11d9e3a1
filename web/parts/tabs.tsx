import { useEffect, useRef } from 'preact/hooks';

export interface TabsProps {
  /** What there are views of. */
  label: string;
  tabs: readonly { name: string; label: string }[];
  /** Name of the one that is shown. */
  current: string;
  /** The first has an address without a name. */
  hrefOf: (name: string | undefined) => string;
}

export function Tabs({ label, tabs, current, hrefOf }: TabsProps) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    const shown = element.current?.querySelector('[aria-current]');
    // On a telephone not all of them fit.
    shown?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  return (
    <nav ref={element} class="tabs" aria-label={label}>
      {tabs.map(({ name, label: title }, at) => (
        <a
          key={name}
          href={hrefOf(at === 0 ? undefined : name)}
          aria-current={name === current ? 'page' : undefined}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}
