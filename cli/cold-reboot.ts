import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { lastDays, rebootCold } from '../activities/cold-reboot.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { evictionBy } from '../warehouse/evict.ts';
import { ledgerOf } from '../warehouse/ledger.ts';
import { replayDay } from '../workflows/messages.ts';
import { waitForEnd } from './day-end.ts';
import { sentenceOf } from './follow.ts';
import { withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { requireWorker } from './pollers.ts';
import { answerTo, requestedBy, sendRequest } from './requests.ts';
import { StopRequest } from './signals.ts';

const LONGEST_ANSWER_MS = 60_000;

export function addColdReboot(program: Command): void {
  program
    .command('cold-reboot')
    .description('stops every load, ends every session, and proves that nothing holds on; needs no worker')
    .option(
      '--replay-last',
      'then replay the last business day of each scheduled dataset, by signal to control',
    )
    .option('--json', 'one JSON document on stdout')
    .action(coldReboot);
}

async function coldReboot(options: {
  readonly replayLast?: boolean;
  readonly json?: boolean;
}): Promise<void> {
  const output = new Output(options.json ?? false);
  using stop = StopRequest.listen();
  await withInstallation(async ({ datasets, warehouse, client }) => {
    if (options.replayLast) await requireWorker(client, output, false);
    const log = pino({ level: 'silent' }); // the answer says it all
    const deps = {
      warehouse,
      temporal: client,
      log,
      ledger: ledgerOf(warehouse),
      eviction: evictionBy(warehouse),
    };
    const rebooted = await rebootCold(deps, stop.signal);
    output.line(
      `Quiet: ${rebooted.cancelled} loads cancelled, ${rebooted.terminated} terminated, ` +
        `${rebooted.sessionsEnded} sessions ended, ${rebooted.attemptsClosed} attempts closed; nothing holds a lock or a session.`,
    );
    const replays: object[] = [];
    for (const day of options.replayLast ? lastDays(datasets, new Date().toISOString()) : []) {
      const { isLoaded, sentence } = await replayOne(client, warehouse, day, stop.signal);
      output.line(sentence);
      replays.push({ ...day, isLoaded, sentence });
      if (!isLoaded) process.exitCode = 1;
    }
    output.document({ ...rebooted, replays });
  });
}

/** One after the other: some come after others. */
async function replayOne(client: Client, warehouse: DataSource, day: DatasetDay, signal: AbortSignal) {
  const requestId = randomUUID();
  const { dataset, businessDate } = day;
  const reason = 'cold reboot';
  await sendRequest(client, replayDay, {
    requestId,
    dataset,
    businessDate,
    requestedBy: requestedBy(),
    reason,
  });
  const hint = `See what came of it: npx nighttrain show ${dataset} ${businessDate}`;
  const { state, answer } = await answerTo(warehouse, requestId, LONGEST_ANSWER_MS, { signal, hint });
  const [, runId] = / run (\S+)$/.exec(answer) ?? [];
  if (state !== 'started' || runId === undefined) {
    return { isLoaded: false, sentence: `The replay of ${dayLabel(day)} was not started: ${answer}` };
  }
  const end = await waitForEnd({ client, warehouse, day, runId });
  return { isLoaded: end.state === 'loaded', sentence: sentenceOf(day, end) };
}
