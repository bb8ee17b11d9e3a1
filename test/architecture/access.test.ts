import { expect, it } from 'vitest';
import { builtinRoles, permissions } from '../../src/identity/permissions.js';
import { plain, readText, tableRows } from './pages.js';

it('the page of access lists every permission in its order, what it allows to, and which roles have it', () => {
  const listed = tableRows(readText('docs/reference/access.md')).filter(
    ({ columns }) => columns[0] === 'permission',
  );
  const has = (role: keyof typeof builtinRoles, name: string): string =>
    (builtinRoles[role] as readonly string[]).includes(name) ? 'yes' : '–';
  expect(listed.map(({ cells: [name, ...rest] }) => [plain(name), ...rest])).toEqual(
    Object.entries(permissions).map(([name, allowsTo]) => [
      name,
      allowsTo,
      has('viewer', name),
      has('editor', name),
      has('admin', name),
    ]),
  );
});
