import { pino } from 'pino';
import { expect, test } from 'vitest';
import { WorkerMetrics } from '../../worker/metrics.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { seriesIn } from '../support/metrics.ts';

async function ask(url: string, path: string, withinMs = 10_000): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(withinMs) });
  return { status: answer.status, text: await answer.text() };
}

/** How many there are in the house's own database: other houses of the server have workers, too. */
async function sessions(house: House, where: string): Promise<{ n: number }[]> {
  const counting = `select count(*) as n from pg_stat_activity where datname = current_database() and ${where}`;
  return house.ask(counting);
}

test('what a worker counts is the ledger, and survives its death', async () => {
  const [good, bad] = ['2024-12-01', '2024-12-02'];
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  await house.put('fares', `${good}.csv`, fareLines(good, { good: 8, bad: 2, otherDay: 3 }));
  await house.put('fares', `${bad}.csv`, fareLines(bad, { good: 1, bad: 9 }));
  await house.run('fares', good);
  await house.run('fares', bad);
  const { text } = await ask(await worker.healthUrl(), '/metrics');
  const rows = (outcome: string, from = text) =>
    seriesIn(from, 'nighttrain_rows_total', { dataset: 'fares', outcome });
  expect(['loaded', 'rejected', 'discarded', 'deduplicated'].map((outcome) => rows(outcome))).toEqual([
    8, 2, 3, 0,
  ]);
  const attempts = (outcome: string) =>
    seriesIn(text, 'nighttrain_attempts_total', { dataset: 'fares', outcome });
  expect(['loaded', 'refused', 'failed', 'cancelled'].map(attempts)).toEqual([1, 1, 0, 0]);
  const seconds = Date.now() / 1000;
  const loadedAt = seriesIn(text, 'nighttrain_last_loaded_timestamp_seconds', { dataset: 'fares' }) ?? 0;
  expect(seconds - loadedAt).toBeLessThan(60);
  expect(seriesIn(text, 'nighttrain_night_seconds', { dataset: 'fares' })).toBeGreaterThan(0);
  expect(seriesIn(text, 'nighttrain_alerts_open', { severity: 'error' })).toBe(1);
  expect(seriesIn(text, 'nighttrain_alerts_open', { severity: 'critical' })).toBe(0);
  expect(seriesIn(text, 'nighttrain_ledger_up')).toBe(1);
  expect(text, "Temporal's own").toMatch(
    /^temporal_activity_execution_latency_seconds_count\{.*activity_type="load"/m,
  );
  expect(text, 'this process').toContain('\nprocess_resident_memory_bytes ');

  await worker.end('SIGKILL');
  const next = await house.startWorkerProcess();
  const later = await ask(await next.healthUrl(), '/metrics');
  expect(rows('loaded', later.text)).toBe(8);
});

test('a worker whose PostgreSQL is silent says so within seconds, lives on, and is ready again once it answers', async () => {
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  const url = await worker.healthUrl();
  expect(await ask(url, '/readyz')).toMatchObject({
    status: 200,
    text: '{"ready":true,"checks":{"worker":"ok","PostgreSQL":"ok","Temporal":"ok"}}\n',
  });
  house.wire.goDark();
  const asked = performance.now();
  expect(await ask(url, '/readyz')).toMatchObject({
    status: 503,
    text: '{"ready":false,"checks":{"worker":"ok","PostgreSQL":"failed","Temporal":"ok"}}\n',
  });
  expect(performance.now() - asked).toBeLessThan(4_000);
  expect(await ask(url, '/healthz')).toMatchObject({ status: 200 });
  const { text } = await ask(url, '/metrics');
  expect(seriesIn(text, 'nighttrain_ledger_up')).toBe(0);
  house.wire.mend();
  await until(async () => (await ask(url, '/readyz')).status === 200, 30_000);
});

test('a hundred scrapes at once take one connection, and a night loads meanwhile', async () => {
  const day = '2024-12-03';
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  const url = await worker.healthUrl();
  await house.put('fares', `${day}.csv`, fareLines(day, { good: 100 }));
  const calls = () => sessions(house, `application_name = 'nighttrain figures'`);
  const loading = house.run('fares', day);
  const scrapes = await Promise.all(
    Array.from({ length: 100 }, () =>
      ask(url, '/metrics').then(
        ({ status }) => status,
        () => 'refused',
      ),
    ),
  );
  expect(scrapes).toContain(200);
  expect(await calls()).toEqual([{ n: 1 }]);
  expect(await loading).toMatchObject({ state: 'loaded' });
});

test('figures that take long keep nobody from hearing that the worker is ready', async () => {
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  const url = await worker.healthUrl();
  await ask(url, '/readyz');
  const waits = () => sessions(house, `wait_event_type = 'Lock'`);
  await house.database.transaction(async (tx) => {
    await tx.query('lock table nighttrain.load_batch in access exclusive mode');
    const scrape = ask(url, '/metrics');
    await until(async () => (await waits())[0]?.n === 1, 10_000);
    const asked = performance.now();
    expect(await ask(url, '/readyz')).toMatchObject({ status: 200 });
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect(seriesIn((await scrape).text, 'nighttrain_ledger_up')).toBe(0);
  });
});

test('a frozen worker answers nobody, and other paths and methods are refused', async () => {
  await using house = await openHouse();
  const worker = await house.startWorkerProcess();
  const url = await worker.healthUrl();
  expect(await ask(url, '/')).toMatchObject({ status: 404 });
  expect((await fetch(`${url}/readyz`, { method: 'POST' })).status).toBe(405);
  worker.signal('SIGSTOP');
  await expect(ask(url, '/healthz', 1_000)).rejects.toThrow('timeout');
  worker.signal('SIGCONT');
  expect(await ask(url, '/healthz')).toMatchObject({ status: 200 });
});

test('however many scrape at once, the ledger is asked once', async () => {
  let asked = 0;
  const metrics = new WorkerMetrics({
    figures: async () => {
      asked += 1;
      return Promise.resolve({ datasets: [], openAlerts: { warn: 0, error: 7, critical: 0 } });
    },
    sdkAddress: '127.0.0.1:9', // nobody is there
    log: pino({ level: 'silent' }),
  });
  const texts = await Promise.all(Array.from({ length: 50 }, () => metrics.text()));
  expect(asked).toBe(1);
  expect(texts.map((text) => seriesIn(text, 'nighttrain_alerts_open', { severity: 'error' }))).toEqual(
    texts.map(() => 7),
  );
});
