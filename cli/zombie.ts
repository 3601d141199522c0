import type { Command } from 'commander';
import { isZombie, loadSessions, openAttempts, type LoadSessionState } from '../warehouse/stale.ts';
import { withInstallation } from './installation.ts';
import { Output } from './output.ts';

export function addZombie(program: Command): void {
  program
    .command('zombie')
    .description('attempts and sessions that hold a dataset day')
    .command('list')
    .description('who holds what, since when, and what will happen')
    .option('--json', 'one JSON document on stdout')
    .action(list);
}

/** Answers with everything that holds a day, zombie or not: at 3 a.m. the question is who holds it. */
async function list(options: { readonly json?: boolean }): Promise<void> {
  const output = new Output(options.json ?? false);
  await withInstallation(async ({ warehouse }) => {
    const sessions = await loadSessions(warehouse);
    const attempts = await openAttempts(warehouse, 0);
    const rows = sessions.map((session) => ({
      dataset: session.dataset,
      businessDate: session.businessDate,
      epoch: session.epoch,
      pid: session.pid,
      since: session.since,
      doing: session.doing,
      isZombie: isZombie(session),
      willHappen: fateOf(session),
    }));
    output.document({ sessions: rows, openAttempts: attempts });
    if (rows.length === 0) output.line('No load session holds anything.');
    else {
      output.table(
        ['DATASET', 'DATE', 'EPOCH', 'PID', 'SINCE', 'DOING', 'WHAT WILL HAPPEN'],
        rows.map((row) => [
          row.dataset,
          row.businessDate,
          row.epoch,
          row.pid,
          row.since,
          row.doing,
          row.willHappen,
        ]),
      );
    }
    for (const { dataset, businessDate, epoch, workflowId, ownerRunId, ownEpoch } of attempts) {
      const state = ownEpoch === null ? 'taken over: it can no longer commit' : 'owns the day';
      output.line(
        `${dataset} of ${businessDate}: attempt ${epoch} has no outcome yet (${workflowId}, run ${ownerRunId}), ${state}`,
      );
    }
    if (rows.some((row) => row.isZombie)) output.line('To end them all now: npx nighttrain cold-reboot');
  });
}

function fateOf(session: LoadSessionState): string {
  if (!isZombie(session)) return 'may commit: its epoch is current';
  return `cannot commit (epoch ${session.currentEpoch ?? 'none'} is current); the sweep ends it within a minute`;
}
