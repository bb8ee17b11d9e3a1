// The page of metrics says what is told, by names and labels as Prometheus’ conventions want them, and nothing of it grows with what
// others have.
import { afterAll, describe, expect, it } from 'vitest';
import type { FactName, Facts } from '../../src/kernel/facts.js';
import { tell } from '../../src/kernel/facts.js';
import type { StoredLevels } from '../../src/operating/levels.repository.js';
import { ManagerSigns } from '../../src/operating/manager-signs.js';
import { BoundedLabel, MetricSet } from '../../src/telemetry/metric-set.js';
import { DelegateMetrics } from '../../workers/runtime/metrics.js';
import { readMetrics, runPromtool, type ToldMetric } from '../support/prometheus.js';
import { sampleFacts } from '../support/sample-facts.js';
import { plain, readText, tableRows } from './pages.js';

const levels = new Proxy({} as StoredLevels, { get: () => 1 });
const signs = new ManagerSigns(
  {
    pingDatabase: async () => undefined,
    readStored: async () => levels,
    listDelegates: async () =>
      ['one', 'two'].map((group) => ({ group, alive: true, state: 'enabled', running: 1 })) as never,
    queueDepth: async () => ({
      jobs: { waiting: 1, active: 0, delayed: 0, failed: 0 },
      oldestAt: Date.now(),
    }),
    pool: () => ({ busy: 1, idle: 1, max: 20, waiting: 0 }),
    faults: () => [],
  },
  '0.0.0',
);
const delegate = new DelegateMetrics('0.0.0');
afterAll(() => {
  signs.close();
  delegate.close();
});

function tellAll(n: number): void {
  for (const name of Object.keys(sampleFacts) as FactName[])
    tell(name, (sampleFacts[name] as (n: number) => Facts[FactName])(n) as never);
}

async function toldByDelegate(): Promise<string> {
  delegate.refuse('it is of another deployment');
  await delegate.measure({ 'git.head': async () => null } as never)['git.head']({} as never, {} as never);
  return delegate.text({ running: 1, tasksMax: 8, queueConnected: true, welcomedAt: 1 });
}

const programs = [
  { section: 'Manager', prefix: 'sallyport_manager_', text: () => signs.text() },
  { section: 'Delegate', prefix: 'sallyport_delegate_', text: toldByDelegate },
];
const rows = tableRows(readText('docs/reference/metrics.md'));
/** prom-client’s own, whose names are not ours to choose. */
const isOfProcess = (name: string): boolean => /^sallyport_\w+?_(process|nodejs)_/.test(name);

/** How names, types, labels and help are to be, or what is wrong with them. */
function objectionsTo({ name, type, help, labels }: ToldMetric): string[] {
  const isCounter = type === 'counter';
  const measured = /_(seconds|bytes|ratio)(_total)?$/.test(name);
  return [
    ...(/^sallyport_(manager|delegate)_[a-z][a-z0-9_]*$/.test(name)
      ? []
      : ['is not in snake case under a prefix of ours']),
    ...(isCounter === name.endsWith('_total')
      ? []
      : ['ends in _total although it is no counter, or the other way round']),
    ...(/_(count|sum|bucket|counter|gauge|histogram|summary)(_|$)/.test(name)
      ? ['has its type in its name']
      : []),
    ...(/_(milliseconds|ms|minutes|hours|days|kilobytes|mib|mb|percent)(_|$)/.test(name)
      ? ['is not in a base unit']
      : []),
    ...(type === 'histogram' && !measured && !name.endsWith('_operations')
      ? ['is a histogram without a unit']
      : []),
    ...(help.length > 10 && !help.endsWith('.') ? [] : ['has no help, or one with a full stop']),
    ...labels
      .filter((label) => !/^[a-z][a-z_]*$/.test(label) || label.startsWith('__'))
      .map((label) => `has label ${label}`),
    ...labels
      .filter((label) => /^(account|scope|path|entity|repository|user|branch|connector|url|id)$/.test(label))
      .map((label) => `tells a ${label}`),
  ];
}

describe.each(programs)('the metrics of the $section', ({ section, prefix, text }) => {
  it('are those of the page, with their types, labels and units', async () => {
    tellAll(0);
    const told = readMetrics(await text()).filter(({ name }) => !isOfProcess(name));
    const listed = rows
      .filter((row) => row.section.startsWith(section))
      .map(({ cells: [name, type, labels = '', unit] }) => ({
        name: prefix + plain(name),
        type,
        labels,
        unit,
      }));
    const unitOf = (name: string): string => {
      if (/_seconds(_total)?$/.test(name)) return 's';
      if (/_bytes(_total)?$/.test(name)) return 'B';
      return name.endsWith('_operations') ? 'operations' : '–';
    };
    const expected = told.map(({ name, type, labels }) => ({
      name,
      type,
      labels: labels.length === 0 ? '–' : labels.map((label) => `\`${label}\``).join(', '),
      unit: unitOf(name),
    }));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(listed.toSorted(byName)).toEqual(expected.toSorted(byName));
    expect(new Set(listed.map(({ name }) => name)).size).toBe(listed.length);
  });

  it('say what they mean, and where it matters what to look out for', () => {
    const vague = rows
      .filter((row) => row.section.startsWith(section))
      .filter(({ cells }) => !cells[4] || !cells[5]);
    expect(vague).toEqual([]);
  });

  it('are named as is usual', async () => {
    const told = readMetrics(await text()).filter(({ name }) => !isOfProcess(name));
    expect(told.flatMap((metric) => objectionsTo(metric).map((what) => `${metric.name} ${what}`))).toEqual(
      [],
    );
  });

  it('please Prometheus’ own program', async () => {
    const lines = (await text())
      .split('\n')
      .filter((line) => !isOfProcess(line.replace(/^# (HELP|TYPE) /, '')));
    const { code, said } = runPromtool(['check', 'metrics'], lines.join('\n'));
    expect({ code, said }).toEqual({ code: 0, said: '' });
  });

  it('do not grow with hosts, groups and codes of others', async () => {
    const count = async (): Promise<number> =>
      readMetrics(await text()).reduce((sum, { series }) => sum + series, 0);
    for (let n = 0; n < 100; n++) tellAll(n);
    const before = await count();
    for (let n = 100; n < 1_000; n++) tellAll(n);
    expect(await count()).toBe(before);
  });
});

describe('a metric that is planted', () => {
  const objections = async (add: (set: MetricSet) => void): Promise<string[]> => {
    const set = new MetricSet('sallyport_manager_');
    add(set);
    return readMetrics(await set.text()).flatMap(objectionsTo);
  };

  it.each<[string, (set: MetricSet) => void]>([
    ['counts without saying so', (set) => set.counter('saves', 'Saves that were made').inc()],
    ['is a level that pretends to count', (set) => set.gauge('saves_total', 'Saves that were made').set(1)],
    ['is in milliseconds', (set) => set.gauge('wait_ms', 'How long it takes').set(1)],
    [
      'has an account',
      (set) => set.gauge('saves', 'Saves of an account', ['account']).set({ account: 'a' }, 1),
    ],
    ['says nothing', (set) => set.gauge('saves', 'Saves').set(1)],
    ['has its type in its name', (set) => set.gauge('saves_gauge', 'Saves that were made').set(1)],
    ['has no unit', (set) => set.histogram('wait', 'How long it takes', [1]).observe(1)],
  ])('is noticed where it %s', async (_, add) => {
    expect(await objections(add)).not.toEqual([]);
  });

  it('is noticed where it grows with every host, and not where its label is bounded', async () => {
    const grow = async (labelOf: (host: string) => string): Promise<number> => {
      const set = new MetricSet('sallyport_manager_');
      const counter = set.counter('requests_total', 'Requests to hosts', ['host']);
      for (let n = 0; n < 500; n++) counter.inc({ host: labelOf(`git-${n}.example`) });
      return readMetrics(await set.text())[0]?.series ?? 0;
    };
    const bounded = new BoundedLabel(32);
    expect(await grow((host) => host)).toBe(500);
    expect(await grow((host) => bounded.of(host))).toBe(33);
  });
});
