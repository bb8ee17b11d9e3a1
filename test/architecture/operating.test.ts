// What is shipped for whoever watches a deployment asks for metrics that there are, in words that Prometheus understands, and each alert
// says what to do.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { runPromtool } from '../support/prometheus.js';
import { plain, readText, tableRows } from './pages.js';

interface Alert {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook: string };
}
interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { h: number; w: number; x: number; y: number };
  datasource?: { uid: string };
  targets?: { expr: string; refId: string }[];
}

const ALERTS = 'deploy/prometheus/sallyport-alerts.yml';
const rules = parse(readText(ALERTS)) as { groups: { rules: Alert[] }[] };
const alerts = rules.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readText('deploy/grafana/sallyport.json')) as {
  panels: Panel[];
  templating: { list: { name: string; type: string }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

const documented = new Set(
  tableRows(readText('docs/reference/metrics.md')).flatMap(({ section, cells: [name] }) => {
    const prefix = /after `(\w+)`/.exec(section)?.[1];
    return prefix === undefined ? [] : [prefix + plain(name)];
  }),
);

/** Metrics that a query names and that nobody documents. */
const unknownIn = (query: string): string[] =>
  [...query.matchAll(/\bsallyport_\w+/g)]
    .map(([name]) => name)
    .filter((name) => !documented.has(name) && !documented.has(name.replace(/_(bucket|sum|count)$/, '')))
    .filter((name) => !/^sallyport_(manager|delegate)_(process|nodejs)_/.test(name));

describe('the alerts', () => {
  it('are some', () => {
    expect(alerts.length).toBeGreaterThan(20);
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it('please Prometheus’ own program', () => {
    const { code, said } = runPromtool(['check', 'rules', ALERTS]);
    expect(said).toContain(`SUCCESS: ${alerts.length} rules found`);
    expect(code).toBe(0);
  });

  it.each(alerts)('$alert asks for metrics that there are, and says how bad it is and what to do', (one) => {
    expect(unknownIn(one.expr)).toEqual([]);
    expect(['critical', 'warning']).toContain(one.labels.severity);
    const { summary, description, runbook } = one.annotations;
    expect(summary && description).toBeTruthy();
    const [page = '', heading] = runbook.split('#');
    expect(heading).toBe(one.alert.toLowerCase());
    const text = new RegExp(`^### ${one.alert}\\n\\n(.+)`, 'm').exec(readText(page))?.[1] ?? '';
    expect(text.length).toBeGreaterThan(20);
  });

  it('have a heading each, and no heading is about another one', () => {
    const headings = [...readText('docs/reference/operating.md').matchAll(/^### (\w+)$/gm)].map(
      ([, name]) => name,
    );
    expect(headings).toEqual(alerts.map(({ alert }) => alert));
  });
});

describe('the dashboard', () => {
  it.each(panels)(
    'panel “$title” asks for metrics that there are, of the source that was chosen',
    (panel) => {
      expect(panel.targets?.length).toBeGreaterThan(0);
      expect(panel.targets?.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
      expect(panel.datasource?.uid).toBe('${datasource}');
      const refs = panel.targets?.map(({ refId }) => refId) ?? [];
      expect(new Set(refs).size).toBe(refs.length);
    },
  );

  it('shows every metric that there is', () => {
    const shown = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join(' ');
    const missing = [...documented].filter((name) => !new RegExp(`\\b${name}(_bucket)?\\b`).test(shown));
    expect(missing).toEqual([]);
  });

  it('lays its panels out beside each other', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, at) => `${x + (at % w)}.${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.filter(({ gridPos: { w, x } }) => x + w > 24)).toEqual([]);
    expect(dashboard.templating.list).toMatchObject([{ name: 'datasource', type: 'datasource' }]);
  });

  it('asks in words that Prometheus understands', () => {
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const recorded = queries.map((expr, at) => ({
      record: `dashboard:query:n${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-dashboard-')), 'rules.yml');
    fs.writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
    const { code, said } = runPromtool(['check', 'rules', '--lint=none', file]);
    fs.rmSync(path.dirname(file), { recursive: true });
    expect({ code, said }, said).toMatchObject({ code: 0 });
  });
});

it('a query for a metric that nobody tells is noticed', () => {
  expect(unknownIn('sum(rate(sallyport_manager_saves_total[5m]))')).toEqual([
    'sallyport_manager_saves_total',
  ]);
  expect(unknownIn('sallyport_manager_lane_round_duration_seconds_bucket')).toEqual([]);
});
