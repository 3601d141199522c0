import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { fareLines } from '../support/fares.ts';
import { openHouse } from '../support/house.ts';
import { NIGHTTRAIN_WATCHDOG, type WorkerProcess } from '../support/house-worker.ts';
import { until } from '../support/intake.ts';
import { namesIn } from '../support/metrics.ts';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly expr: string;
      readonly alert: string;
      readonly annotations: { readonly runbook?: string };
    }[];
  }[];
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const { groups } = parse(read('docs/prometheus/alerts.yaml')) as Rules;
const dashboard = JSON.parse(read('docs/grafana/nighttrain.json')) as Dashboard;
const rules = groups.flatMap((group) => group.rules);

/** The series that an expression of PromQL asks for: words outside of labels and strings that are no function. */
function seriesOf(expr: string): string[] {
  const bare = expr
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(by|without|on|ignoring) *\([^)]*\)/g, '');
  return [...bare.matchAll(/\b[a-z_:][\w:]*\b(?! *\()/g)]
    .map(([name]) => name)
    .filter((name) => !['or', 'and', 'unless', 'by', 'bool'].includes(name));
}

const asked = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, expr }))),
].flatMap(({ where, expr }) => seriesOf(expr).map((series) => ({ where, series })));

/** What a worker and a watchdog serve once a night was loaded and another refused. */
async function served(): Promise<Set<string>> {
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  await house.put('fares', '2024-12-11.csv', fareLines('2024-12-11', { good: 9, bad: 1 }));
  await house.run('fares', '2024-12-11');
  await house.put('fares', '2024-12-12.csv', fareLines('2024-12-12', { good: 1, bad: 9 }));
  await house.run('fares', '2024-12-12');
  const watchdog = await house.startWorkerProcess({}, NIGHTTRAIN_WATCHDOG);
  const scrape = async (one: WorkerProcess) => (await fetch(`${await one.healthUrl()}/metrics`)).text();
  let seen = '';
  await until(async () => (seen = await scrape(watchdog)).includes('check_good{'), 20_000); // it has looked
  return namesIn(`${seen}\n${await scrape(worker)}`);
}

test('what the dashboard and the alert rules ask for is served', async () => {
  const names = await served();
  expect(asked.length).toBeGreaterThan(25);
  expect(asked.filter(({ series }) => !names.has(series))).toEqual([]);
});

test('each alert rule that names a runbook names one that is there', () => {
  const named = rules.flatMap(({ annotations }) => annotations.runbook ?? []);
  expect(named.length).toBeGreaterThan(3);
  const missing = named.filter((runbook) => {
    const [, name = ''] = /^npx nighttrain runbook show ([a-z-]+)$/.exec(runbook) ?? [];
    return !existsSync(join(ROOT, 'runbooks', `${name}.md`));
  });
  expect(missing).toEqual([]);
});

test('a name that nobody serves is noticed', () => {
  expect(
    seriesOf('max by (dataset) (increase(nighttrain_rows_totals{outcome="x"}[1h])) / 60 > 0 or up'),
  ).toEqual(['nighttrain_rows_totals', 'up']);
});
