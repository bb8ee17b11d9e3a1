import { expect, it } from 'vitest';
import { commonFolder } from '../../../src/sync/git-documents.js';

it.each([
  [['x.yaml'], ''],
  [['a/b/x.yaml'], 'a/b'],
  [['a/b/x.yaml', 'a/b/y.yaml'], 'a/b'],
  [['a/b/x.yaml', 'a/bc/x.yaml'], 'a'],
  [['a/b/x.yaml', 'a/b/c/d/x.yaml'], 'a/b'],
  [['a/b/c/x.yaml', 'a/b/x.yaml'], 'a/b'],
  [['a/x.yaml', 'b/x.yaml', 'a/x.yaml'], ''],
  [['a/x.yaml', 'x.yaml'], ''],
])('the folder that %j are in is %j', (paths, folder) => {
  expect(commonFolder(paths)).toBe(folder);
});
