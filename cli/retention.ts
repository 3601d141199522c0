import { join } from 'node:path';
import type { Command } from 'commander';
import { pino } from 'pino';
import { expireStorage } from '../activities/sweep-storage.ts';
import { openLandingFolder } from '../intake/landing-folder.ts';
import { withArchive } from './alert-engines.ts';
import { Output } from './output.ts';

export function addRetention(program: Command): void {
  program
    .command('retention')
    .description('gives back now what was kept for long enough; workers do so by themselves every hour')
    .option('--dry-run', 'only say how much that is')
    .option('--json', 'one JSON document on stdout')
    .action(retention);
}

async function retention({
  dryRun = false,
  json = false,
}: {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}): Promise<void> {
  const output = new Output(json);
  await withArchive(async ({ config, datasets, warehouse }) => {
    const landing = openLandingFolder(join(config.home, 'landing'));
    const log = pino({ level: 'silent' });
    const expired = await expireStorage({ warehouse, landing, datasets, log }, { dryRun });
    output.table(
      ['kept', dryRun ? 'would go' : 'gone'],
      Object.entries(expired).map(([kind, number]) => [WORDS[kind] ?? kind, number]),
    );
    output.document({ dryRun, expired });
  });
}

const WORDS: Readonly<Record<string, string>> = {
  landing: 'landing folders, with their rejects files',
  staged: 'staged parts of attempts that ended a day ago or more',
  history: 'replaced versions in warehouse_history',
  quarantine: 'rejected rows',
  quarantine_release_row: 'rows of releases',
  quarantine_release: 'releases',
  attempt: 'attempts',
  alert: 'resolved alerts',
  alert_evidence: 'transcripts of runbooks',
  request: 'requests',
  audit_result: 'audit results',
  guard_event: 'traces of guards',
};
