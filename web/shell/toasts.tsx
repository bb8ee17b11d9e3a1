// What was done, said in passing. What went wrong is said where it was done, and stays.
import { Store, useStore } from '../data/store.js';
import { Button } from '../parts/button.js';
import { Icon } from '../parts/icon.js';
import { Outside } from '../parts/outside.js';

interface Toast {
  id: number;
  text: string;
  link?: { label: string; href: string };
}

const toasts = new Store<readonly Toast[]>([]);
const SHOWN_MS = 6_000;
let count = 0;

export function say(text: string, link?: Toast['link']): void {
  const id = ++count;
  toasts.set([...toasts.value, { id, text, ...(link === undefined ? {} : { link }) }]);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

const dismiss = (id: number): void => toasts.set(toasts.value.filter((one) => one.id !== id));

/** To a place of the page, or out of it. */
const Way = ({ label, href }: NonNullable<Toast['link']>) =>
  href.startsWith('#') ? <a href={href}>{label}</a> : <Outside href={href}>{label}</Outside>;

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {useStore(toasts).map(({ id, text, link }) => (
      <div key={id} class="toast">
        <Icon name="check" />
        <span>
          {text} {link !== undefined && <Way {...link} />}
        </span>
        <Button look="bare tiny" icon="close" label="Dismiss" onPress={() => dismiss(id)} />
      </div>
    ))}
  </div>
);
