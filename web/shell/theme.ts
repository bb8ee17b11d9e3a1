// Light, dark, or whatever the system says; remembered by this browser.
import { Store } from '../data/store.js';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const KEY = 'sallyport.theme';

export const theme = new Store<Theme>(read());

export function beginTheme(): void {
  show(theme.value);
  theme.watch((chosen) => {
    localStorage.setItem(KEY, chosen);
    show(chosen);
  });
}

function show(chosen: Theme): void {
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

function read(): Theme {
  const kept = localStorage.getItem(KEY);
  return themes.find((one) => one === kept) ?? 'system';
}
