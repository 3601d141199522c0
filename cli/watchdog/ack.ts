import type { Command } from 'commander';
import { pino } from 'pino';
import { acknowledgeWatch, watchFiles } from '../../alerting/watchdog/watch-ack.ts';
import { WatchJournal } from '../../alerting/watchdog/watch-journal.ts';
import { isUnanswered } from '../../alerting/watchdog/watch-state.ts';
import { NothingThere } from '../../rules/errors.ts';
import { readConfig } from '../../worker/config.ts';
import { Output } from '../output.ts';
import { requestedBy } from '../requests.ts';

export function addWatchdogAck(watchdog: Command): void {
  watchdog
    .command('ack')
    .description('what the watchdog pages about is seen; nobody else is paged. Needs no engine')
    .action(ack);
}

async function ack(): Promise<void> {
  const output = new Output(false);
  const { home } = readConfig();
  const files = watchFiles(home);
  const { calls } = await new WatchJournal(files.journal, pino({ level: 'silent' })).read();
  const unanswered = calls.filter(isUnanswered);
  if (unanswered.length === 0) {
    throw new NothingThere(`The watchdog of ${home} pages about nothing`, {
      hint: 'An alert of the archive is acknowledged by its code: npx nighttrain alert list',
    });
  }
  await acknowledgeWatch(files.ack, { by: requestedBy(), at: new Date().toISOString() });
  for (const { finding } of unanswered) output.line(`Acknowledged: ${finding.sentence}`);
}
