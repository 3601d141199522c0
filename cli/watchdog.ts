import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { Logger } from 'pino';
import { DeadMan } from '../alerting/watchdog/dead-man.ts';
import { OnCallFile, refuseWrongVariables } from '../alerting/paging/on-call.ts';
import { Spool } from '../alerting/alarm/spool.ts';
import { watchFiles } from '../alerting/watchdog/watch-ack.ts';
import { Watchdog } from '../alerting/watchdog/watchdog.ts';
import { WatchJournal } from '../alerting/watchdog/watch-journal.ts';
import { openHome } from '../local/home.ts';
import { withLock } from '../local/lock.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { readConfig, type Config } from '../worker/config.ts';
import { openHealth } from '../worker/health.ts';
import { openLog } from '../worker/log.ts';
import { channelsOf } from '../worker/paging.ts';
import { loadDatasets } from '../worker/project.ts';
import { secretsOf } from '../worker/secrets.ts';
import { Output } from './output.ts';
import { StopRequest } from './signals.ts';
import { addWatchdogAck } from './watchdog/ack.ts';
import { checksOf } from './watchdog/checks.ts';
import { WatchdogMetrics } from './watchdog/metrics.ts';

interface WatchdogOptions {
  /** Seconds. */
  readonly every: number;
  readonly failures: number;
  readonly worker: readonly string[];
  /** MiB. */
  readonly minFree: number;
}

const MIB = 1024 ** 2;
/** A look that pages people waits for their providers: so much longer than its pause it may take. */
const LONGEST_LOOK_MS = 120_000;

export function addWatchdog(program: Command): void {
  const watchdog = program
    .command('watchdog')
    .description(
      'watches PostgreSQL, Temporal, the workers, the disk and the nights; pages where nobody else can',
    )
    .option('--every <seconds>', 'how often it looks', wholeFrom(1, 300), 10)
    .option(
      '--failures <n>',
      'looks in a row that must find something before it is believed',
      wholeFrom(1, 100),
      3,
    )
    .option(
      '--worker <url...>',
      'where a worker serves its health; otherwise Temporal is asked who polls',
      urlNamed,
      [],
    )
    .option('--min-free <MiB>', 'free on the disk of NIGHTTRAIN_HOME', wholeFrom(1, 1_000_000), 512)
    .action((options: WatchdogOptions) => watch(options));
  addWatchdogAck(watchdog);
}

async function watch(options: WatchdogOptions): Promise<void> {
  const output = new Output(false);
  using stop = StopRequest.listen();
  const config = readConfig();
  stop.orParentsEnd(config);
  await openHome(config.home);
  await withLock(
    join(config.home, 'watchdog.lock'),
    {
      withinMs: 0,
      onWait: (pid) => {
        throw new ConfigurationError(`A watchdog of ${config.home} runs already, as process ${pid}`, {
          hint: `One is enough: two would page twice. To replace it: kill ${pid}`,
        });
      },
    },
    async () => {
      const { log, close } = openLog(config.logLevel, {
        secrets: secretsOf(config),
        exported: config.monitoring.exportsLog,
      });
      try {
        await run(config, options, log, stop, output);
      } finally {
        await close();
      }
    },
  );
}

async function run(
  config: Config,
  { every, failures, worker, minFree }: WatchdogOptions,
  log: Logger,
  stop: StopRequest,
  output: Output,
): Promise<void> {
  const { home, monitoring } = config;
  const datasets = await loadDatasets(config.projectRoot);
  const onCall = new OnCallFile(config.projectRoot, datasets.keys(), log);
  if (onCall.current) refuseWrongVariables(onCall.current, config.env);
  const deadMan = monitoring.deadManUrl === undefined ? undefined : new DeadMan(monitoring.deadManUrl, log);
  const files = watchFiles(home);
  const spool = new Spool(join(home, 'spool'));
  const watchdog = new Watchdog({
    checks: checksOf({ config, datasets, workerUrls: worker, leastFreeBytes: minFree * MIB }),
    looksInARow: failures,
    everyMs: every * 1_000,
    spool,
    journal: new WatchJournal(files.journal, log),
    ackFile: files.ack,
    beat: async () => deadMan?.beat(Date.now()),
    channels: await channelsOf(config.paging),
    env: config.env,
    onCall: () => onCall.current,
    now: () => Date.now(),
    log,
  });
  const metrics = new WatchdogMetrics(watchdog, deadMan, spool, home);
  const health = await openHealth({
    host: monitoring.host,
    port: monitoring.watchdogPort,
    portVariable: 'NIGHTTRAIN_WATCHDOG_PORT',
    isReady: {
      looks: async () => {
        const oldest = Date.now() - every * 1_000 - LONGEST_LOOK_MS;
        if ((watchdog.lookedAt ?? 0) < oldest) throw new Error('it has not looked for too long');
      },
    },
    metrics: () => metrics.text(),
    log,
  });
  try {
    output.line(`Health  ${health.url}/readyz  (and /healthz, /metrics)`);
    if (!onCall.current)
      output.note('There is no on-call.yaml: what it finds goes to log and archive alone.');
    output.line(`The watchdog looks every ${every} s; Ctrl-C stops it.`);
    await watchdog.watch(stop.signal);
  } finally {
    await health.close();
  }
}

const wholeFrom = (least: number, most: number) => (text: string) => {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
};

function urlNamed(text: string, before: readonly string[]): readonly string[] {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return [...before, text];
  throw new InvalidArgumentError('It is an http(s) URL, as http://127.0.0.1:9464');
}
