import { expect, it } from 'vitest';
import { eventTypes } from '../../src/events/event.js';
import { plain, readText, tableRows } from './pages.js';

it('the page of events lists every type in its order, and says when it comes and what it holds', () => {
  const listed = tableRows(readText('docs/reference/events.md')).filter(
    ({ columns }) => columns[0] === 'type',
  );
  expect(listed.map(({ cells }) => plain(cells[0]))).toEqual(eventTypes);
  expect(listed.filter(({ cells: [, when, data] }) => !when || !data)).toEqual([]);
});
