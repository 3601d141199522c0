import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { DataSource } from 'typeorm';
import { inTime } from '../../alerting/in-time.ts';
import type { Found, Seen } from '../../alerting/watchdog/watch-state.ts';
import type { Check } from '../../alerting/watchdog/watchdog.ts';
import { findEngines } from '../../local/engines.ts';
import type { AlertRule } from '../../rules/alert-rules.ts';
import { dayLabel } from '../../rules/dataset-day.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { describe } from '../../rules/errors.ts';
import { datesDue } from '../../rules/overdue.ts';
import { openWarehouse } from '../../warehouse/data-source.ts';
import { lastPublished, publishedAmong, scheduledSince } from '../../warehouse/stale.ts';
import type { Config } from '../../worker/config.ts';
import { databasesOf } from '../../worker/databases.ts';
import { connectClient } from '../../worker/temporal.ts';
import { hasWorker } from '../pollers.ts';

/** What is to be looked at. */
export interface Watched {
  readonly config: Config;
  readonly datasets: ReadonlyMap<string, Dataset>;
  /** Where workers serve their health; where none is named, Temporal is asked who polls. */
  readonly workerUrls: readonly string[];
  readonly leastFreeBytes: number;
}

/** An engine that takes longer does not answer. */
const LONGEST_ENGINE_MS = 8_000;
/** One answer of Temporal is good for all that one look wants to know. */
const FRESH_MS = 500;
const LONGEST_WORKER_MS = 3_000;
const MIB = 1024 ** 2;

const GOOD: Seen = { is: 'good' };
const UNKNOWN: Seen = { is: 'unknown' };

/** Everything that nights need, each asked by a connection of its own that is closed again. */
export function checksOf(watched: Watched): readonly Check[] {
  const { config, datasets, workerUrls, leastFreeBytes } = watched;
  const engines = shared(() => findEngines(config.home));
  const warehouse = <T>(work: (warehouse: DataSource) => Promise<T>) =>
    inTime(() => askWarehouse(config, engines, work), LONGEST_ENGINE_MS);
  const isPolled = shared(() => inTime(() => askTemporal(config, engines), LONGEST_ENGINE_MS));
  return [
    { name: 'PostgreSQL', ask: () => unlessItThrows(POSTGRESQL_DOWN, () => warehouse(checkWritable)) },
    { name: 'Temporal', ask: () => unlessItThrows(TEMPORAL_DOWN, isPolled) },
    {
      name: 'worker',
      ask: () => (workerUrls.length > 0 ? checkWorkers(workerUrls) : checkPollers(isPolled)),
    },
    { name: 'disk', ask: () => checkDisk(config.home, leastFreeBytes) },
    {
      name: 'nights',
      ask: () => warehouse((one) => checkNights(one, [...datasets.values()])).catch(() => UNKNOWN), // said as PostgreSQL
    },
  ];
}

const POSTGRESQL_DOWN = { rule: 'warehouse-down', sentence: 'PostgreSQL does not answer' } as const;
const TEMPORAL_DOWN = { rule: 'temporal-down', sentence: 'Temporal does not answer' } as const;

/** Of the whole installation. */
const wrong = (
  what: { readonly rule: AlertRule; readonly sentence: string },
  { facts = {}, breaksThePath = false, subject = '' } = {},
): Found => ({
  subject,
  finding: { dataset: null, businessDate: null, ...what, facts, ...(subject !== '' && { subject }) },
  breaksThePath,
});

async function unlessItThrows(
  what: { readonly rule: AlertRule; readonly sentence: string },
  ask: () => Promise<unknown>,
): Promise<Seen> {
  try {
    await ask();
    return GOOD;
  } catch (error) {
    const facts = { error: describe(error).split('\n')[0] };
    return { is: 'bad', found: [wrong(what, { facts, breaksThePath: true })] };
  }
}

type Engines = () => ReturnType<typeof findEngines>;

async function askWarehouse<T>(
  config: Config,
  engines: Engines,
  work: (warehouse: DataSource) => Promise<T>,
): Promise<T> {
  const embedded = config.databaseUrl ? undefined : (await engines()).databaseUrl;
  if (!config.databaseUrl && !embedded) throw new Error(`none runs under ${config.home}`);
  const { loaderUrl } = await databasesOf(config, embedded);
  const warehouse = await openWarehouse(loaderUrl, {
    applicationName: 'nighttrain watchdog',
    poolSize: 1,
    longestSilenceMs: LONGEST_ENGINE_MS,
  });
  try {
    return await work(warehouse);
  } finally {
    await warehouse.destroy();
  }
}

/** A standby that answers loads no night. */
async function checkWritable(warehouse: DataSource): Promise<void> {
  const [row] = await warehouse.query<{ isReadOnly: boolean }[]>(
    `select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as "isReadOnly"`,
  );
  if (row?.isReadOnly !== false) throw new Error('it takes no writes');
}

/** Whether some worker polls. @throws where Temporal does not answer */
async function askTemporal(config: Config, engines: Engines): Promise<boolean> {
  const address = config.temporalAddress ?? (await engines()).temporalAddress;
  if (address === undefined) throw new Error(`none runs under ${config.home}`);
  const client = await connectClient({ address, namespace: config.temporalNamespace });
  try {
    return await client.connection.withDeadline(Date.now() + LONGEST_ENGINE_MS, () => hasWorker(client));
  } finally {
    await client.connection.close();
  }
}

async function checkPollers(isPolled: () => Promise<boolean>): Promise<Seen> {
  const isThere = await isPolled().catch(() => undefined); // said as Temporal
  if (isThere === undefined) return UNKNOWN;
  if (isThere) return GOOD;
  const what = { rule: 'worker-down', sentence: 'No worker asks Temporal for work' } as const;
  return { is: 'bad', found: [wrong(what, { breaksThePath: true })] };
}

/** While one of several answers, the others are its alert to raise. */
async function checkWorkers(urls: readonly string[]): Promise<Seen> {
  const answers = await Promise.all(urls.map(async (url) => ({ url, error: await healthError(url) })));
  const down = answers.filter(({ error }) => error !== undefined);
  if (down.length === 0) return GOOD;
  const hostOf = (url: string) => new URL(url).host;
  if (down.length < urls.length) {
    const found = down.map(({ url, error }) =>
      wrong(workerDown([hostOf(url)]), { facts: { error }, subject: hostOf(url) }),
    );
    return { is: 'bad', found };
  }
  // One finding, of nobody in particular: it is over as soon as any worker takes it in.
  const facts = { error: down[0]?.error };
  return { is: 'bad', found: [wrong(workerDown(urls.map(hostOf)), { facts, breaksThePath: true })] };
}

function workerDown([first, ...others]: readonly string[]) {
  const sentence =
    others.length === 0
      ? `The worker at ${first} does not answer`
      : `No worker answers: ${[first, ...others].join(', ')}`;
  return { rule: 'worker-down', sentence } as const;
}

async function healthError(url: string): Promise<string | undefined> {
  try {
    const { ok, status } = await fetch(new URL('/healthz', url), {
      signal: AbortSignal.timeout(LONGEST_WORKER_MS),
    });
    return ok ? undefined : `HTTP ${status}`;
  } catch (error) {
    return describe((error as Error).cause ?? error).split('\n')[0];
  }
}

async function checkDisk(home: string, leastFreeBytes: number): Promise<Seen> {
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  if (free >= leastFreeBytes) return GOOD;
  const number = `${Math.floor(free / MIB)} MiB free`;
  const what = { rule: 'disk-full', sentence: `The disk of ${home} is full: ${number}` } as const;
  // Other homes have disks of their own, and watchdogs that say that theirs is over.
  return { is: 'bad', found: [wrong(what, { facts: { number }, subject: `${hostname()}:${home}` })] };
}

/** Older ones were told of long ago, and wait for a person. */
const MOST_NIGHTS = 7;

/** The last nights that each schedule owes, those that are not there: how old the last good one is. */
async function checkNights(warehouse: DataSource, datasets: readonly Dataset[]): Promise<Seen> {
  const since = await scheduledSince(warehouse);
  const found: Found[] = [];
  for (const { name, schedule } of datasets) {
    const first = since.get(name);
    if (!schedule || !first) continue;
    const due = datesDue(schedule, first, Date.now()).slice(0, MOST_NIGHTS);
    const published = await publishedAmong(warehouse, name, due);
    const missing = due.filter((date) => !published.has(date));
    if (missing.length === 0) continue;
    const last = await lastPublished(warehouse, name);
    const lastGood = last ? `the last good night is ${last}` : 'no night was ever good';
    for (const businessDate of missing) {
      const day = { dataset: name, businessDate };
      const subject = dayLabel(day);
      const sentence = `${subject} is not in the warehouse, past its deadline of ${schedule.dueBy} ${schedule.timeZone}; ${lastGood}`;
      found.push({ subject, finding: { rule: 'night-missing', ...day, sentence }, breaksThePath: false });
    }
  }
  return found.length === 0 ? GOOD : { is: 'bad', found };
}

/** One answer for all that ask within a moment. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return () => {
    if (!last || performance.now() - last.at > FRESH_MS) last = { at: performance.now(), answer: ask() };
    return last.answer;
  };
}
