// The page of the audit names every action that code puts on record, and no other.
import { expect, it } from 'vitest';
import { actions, questions } from '../../src/api/actions.js';
import { listFiles, readText } from './pages.js';

const page = readText('docs/reference/audit.md');
/** Of the two tables of actions, what stands in the first column. */
const documented = [...page.matchAll(/^\| (`[a-z-]+[.a-z`, -]*`) \|/gm)]
  .flatMap(([, cell = '']) => [...cell.matchAll(/`([a-z-]+(?:\.[a-z-]+)?)`/g)])
  .map(([, action = '']) => action)
  .filter((action) => action.includes('.'));

const code = listFiles('src')
  .filter((file) => file.endsWith('.ts') && file !== 'src/api/actions.ts')
  .map((file) => readText(file))
  .join('\n');

it('what routes do is on the page', () => {
  expect(documented.length).toBeGreaterThan(60);
  expect(Object.values(actions).filter((action) => !documented.includes(action))).toEqual([]);
});

it('what is on the page is done by a route, or written in code', () => {
  const routes = new Set(Object.values(actions));
  // `operation.${outcome}`: the end of the word is what the code says elsewhere.
  const isWritten = (action: string): boolean => {
    const [thing = '', verb = ''] = action.split('.');
    return (
      code.includes(`'${action}'`) ||
      (code.includes(`\`${thing}.\${`) && code.includes(`'${verb.replace(/d$/, '')}`))
    );
  };
  expect(documented.filter((action) => !routes.has(action) && !isWritten(action))).toEqual([]);
});

it('every action of a route is one that code puts on record', () => {
  const built = [...Object.values(actions)].filter((action) => !code.includes(`'${action}'`));
  expect(built).toEqual([]);
  expect([...questions].every((road) => actions[road] === undefined)).toBe(true);
});
