// The page’s own signs, 16 by 16, drawn in the colour of the text beside them.
const paths = {
  entities: 'M3 2.5h6.5L13 6v7.5H3zM9.5 2.5V6H13M5.5 8.5h5M5.5 11h3.5',
  operations: 'M2 8h2.5l2-5 3 10 2-5H14',
  repositories:
    'M4.5 4.5v7M4.5 4.5a1.5 1.5 0 1 0 0-.01M4.5 13a1.5 1.5 0 1 0 0-.01M11.5 6a1.5 1.5 0 1 0 0-.01M11.5 7.5c0 2-1.5 2.6-7 2.6',
  secrets: 'M10.3 9.2a3.2 3.2 0 1 0-2.4-1.1L2.5 13.5H4.8v-1.7h1.7v-1.7h1.4l.9-1.4M11 5.5h.01',
  delegates: 'M3 2.5h10v4H3zM3 9.5h10v4H3zM5.5 4.5h.01M5.5 11.5h.01M8 4.5h3M8 11.5h3',
  overview: 'M2.5 13.5V9M6.2 13.5V5M9.8 13.5V7.5M13.5 13.5v-11',
  audit: 'M8 1.8 13 3.6v4c0 3-2 5.3-5 6.6-3-1.3-5-3.6-5-6.6v-4zM5.8 8l1.6 1.6L10.4 6.4',
  access: 'M8 7.5a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM3 13.7c0-2.6 2-4.2 5-4.2s5 1.6 5 4.2',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.4 3.4',
  plus: 'M8 3v10M3 8h10',
  close: 'm4 4 8 8M12 4l-8 8',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  updown: 'm5 6 3-3 3 3M5 10l3 3 3-3',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
  moon: 'M13.3 9.6A5.6 5.6 0 0 1 6.4 2.7a5.6 5.6 0 1 0 6.9 6.9z',
  system: 'M2 3h12v8H2zM6 13.5h4M8 11v2.5',
  leave: 'M9.5 2.5h-6v11h6M6.5 8h7M11 5.5 13.5 8 11 10.5',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  check: 'm3 8.5 3.2 3.2L13 4.8',
  alert: 'M8 5.2v3.6M8 11.3h.01M8 1.9 14.6 13.5H1.4z',
  info: 'M8 7.3v3.9M8 4.8h.01M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12z',
  trash: 'M2.5 4.2h11M6 4.2V2.5h4v1.7M4 4.2l.6 9.3h6.8l.6-9.3M6.7 7v3.7M9.3 7v3.7',
  reload: 'M13 3v3.5H9.5M3 13V9.5h3.5M12.6 6.5A5 5 0 0 0 3.6 5.4M3.4 9.5a5 5 0 0 0 9 1.1',
  arrow: 'M3 8h10M9 4l4 4-4 4',
  outside: 'M6.5 3.5h-4v10h10v-4M9 2.5h4.5V7M13 3 7.5 8.5',
  branch:
    'M4.5 5.5v5M4.5 4a1.3 1.3 0 1 0 0-.01M4.5 12a1.3 1.3 0 1 0 0-.01M11.5 5.5a1.3 1.3 0 1 0 0-.01M11.5 7c0 2-2 2.4-7 3',
  clock: 'M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM8 4.8V8l2.2 1.5',
  dot: 'M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  ring: 'M8 2.5a5.5 5.5 0 1 1-5.5 5.5',
  split: 'M3 3.5c5 0 5 9 10 9M3 12.5c5 0 5-9 10-9',
  stop: 'M4 4l8 8M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12z',
  behind: 'M8 2.5v9M4.5 8 8 11.5 11.5 8M3.5 13.8h9',
  lock: 'M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name, size = 16 }: { name: IconName; size?: number }) => (
  <svg viewBox="0 0 16 16" width={size} height={size} fill="none" aria-hidden="true">
    <path
      d={paths[name]}
      stroke="currentColor"
      stroke-width={name === 'dot' || name === 'check' ? 2 : 1.4}
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>
);
