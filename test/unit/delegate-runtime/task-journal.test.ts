import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileTaskJournal } from '../../../workers/runtime/task-journal.js';

let folder = '';
let file = '';
const opened: FileTaskJournal[] = [];
const open = (): FileTaskJournal => {
  const journal = new FileTaskJournal(folder);
  opened.push(journal);
  return journal;
};
const later = (): number => Date.now() + 60_000;
const linesOf = (): string[] => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);

beforeEach(() => {
  folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-journal-')), 'data');
  file = path.join(folder, 'begun-tasks');
});
afterEach(() => {
  vi.useRealTimers();
  for (const journal of opened.splice(0)) journal.close();
  fs.rmSync(path.dirname(folder), { recursive: true, force: true });
});

describe('a journal of begun tasks', () => {
  it('lets every task begin once', () => {
    const journal = open();
    const [one, two] = [randomUUID(), randomUUID()];
    expect([one, one, two, one, two].map((task) => journal.begin(task, later()))).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it('knows them after a restart, and after one more', () => {
    const tasks = Array.from({ length: 100 }, () => randomUUID());
    const before = open();
    expect(tasks.every((task) => before.begin(task, later()))).toBe(true);
    for (const journal of [open(), open()])
      expect(tasks.filter((task) => journal.begin(task, later()))).toEqual([]);
  });

  it('has each on disk before it says that it may begin', () => {
    const journal = open();
    const task = randomUUID();
    journal.begin(task, later());
    expect(linesOf()).toEqual([expect.stringContaining(task)]);
  });

  it('is its owner’s alone, and leaves no other file', () => {
    open().begin(randomUUID(), later());
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(folder)).toEqual(['begun-tasks']);
  });

  it('forgets at its start what has expired, yet not within the time that clocks may differ', () => {
    const journal = open();
    const [old, recent, coming] = [randomUUID(), randomUUID(), randomUUID()];
    journal.begin(old, Date.now() - 61_000);
    journal.begin(recent, Date.now() - 59_000);
    journal.begin(coming, later());
    open();
    expect(linesOf().map((line) => line.slice(0, 36))).toEqual([recent, coming]);
  });

  it('stays as short as what it has to know, however many tasks it sees', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const journal = open();
    const last = randomUUID();
    for (let n = 0; n < 25_000; n += 1) {
      journal.begin(randomUUID(), Date.now() + 1_000);
      vi.advanceTimersByTime(60);
    }
    journal.begin(last, later());
    expect(linesOf().length).toBeLessThan(12_000);
    const again = open();
    expect(again.begin(last, later())).toBe(false);
    expect(linesOf().length).toBeLessThan(2_000);
  });

  it('knows every task while it becomes shorter', () => {
    const journal = open();
    const tasks = Array.from({ length: 21_000 }, () => randomUUID());
    for (const task of tasks) journal.begin(task, later());
    expect(tasks.filter((task) => journal.begin(task, later()))).toEqual([]);
    const again = open();
    expect(tasks.filter((task) => again.begin(task, later()))).toEqual([]);
  });

  it.each([
    ['in its time', (task: string) => `${task} 17`],
    ['before its time', (task: string) => `${task} `],
    ['after its name', (task: string) => task],
  ])('counts a task as begun whose line was cut off %s', (_, cut) => {
    const [whole, torn] = [randomUUID(), randomUUID()];
    open().begin(whole, later());
    fs.appendFileSync(file, cut(torn));
    for (const journal of [open(), open()])
      expect([whole, torn].filter((task) => journal.begin(task, later()))).toEqual([]);
  });

  it.each([
    ['a half name', '1234-'],
    ['zeros', '\0'.repeat(100)],
    ['what is no task', 'hello world\n\n \n-1 -1\n'],
    ['a half line that the next one continues', `${randomUUID()} 1${randomUUID().slice(0, 20)}`],
  ])('reads on past %s', (_, rubbish) => {
    const [before, after] = [randomUUID(), randomUUID()];
    open().begin(before, later());
    fs.appendFileSync(file, `${rubbish}${after} ${later()}\n`);
    const journal = open();
    expect([before, after].filter((task) => journal.begin(task, later()))).toEqual([]);
    expect(journal.begin(randomUUID(), later())).toBe(true);
  });

  it('begins nothing that it cannot write down, and goes on when it can', () => {
    const journal = open();
    const [first, failed, second] = [randomUUID(), randomUUID(), randomUUID()];
    expect(journal.begin(first, later())).toBe(true);
    const append = fs.appendFileSync;
    // A disk that is full after half a line.
    fs.appendFileSync = ((handle: number, line: string) => {
      fs.writeSync(handle, line.slice(0, 20));
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    }) as typeof append;
    try {
      expect(() => journal.begin(failed, later())).toThrow('no space');
    } finally {
      fs.appendFileSync = append;
    }
    expect(journal.begin(second, later())).toBe(true);
    const again = open();
    expect([first, second].filter((task) => again.begin(task, later()))).toEqual([]);
    expect(again.begin(failed, later())).toBe(true);
  });
});
