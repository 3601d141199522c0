import { join } from 'node:path';
import type { Command } from 'commander';
import { landingPrefix } from '../intake/manifest.ts';
import { openLandingFolder } from '../intake/landing-folder.ts';
import { verified } from '../intake/verified.ts';
import type { LandingStore } from '../intake/landing.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { NO_EPOCH } from '../activities/rehearse.ts';
import type { Release } from '../warehouse/release.ts';
import { askReplay, sound } from './ask-replay.ts';
import { closedAttempt } from './closed-attempt.ts';
import { dryRunIn } from './dry-run.ts';
import { goOnUnless } from './follow.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { keepRelease, planRelease } from './plan-release.ts';
import { requireWorker } from './pollers.ts';
import { requestedBy } from './requests.ts';
import { withScratch } from './scratch.ts';
import { StopRequest } from './signals.ts';

interface ReleaseCommand {
  readonly reason: string;
  readonly file?: string;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

export function addQuarantineRelease(quarantine: Command): void {
  quarantine
    .command('release')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('rejected rows go back through validation, into a replay of their day from what had landed')
    .requiredOption('--reason <text>', 'why: the rule that was mended, who corrected what; it is kept')
    .option('--file <corrected>', 'rows that stand in for rejected ones; see quarantine export')
    .option('--dry-run', 'say what would become of the rows, and change nothing')
    .option('--detach', 'do not wait for the answer')
    .option('--json', 'one JSON document on stdout')
    .action(release);
}

async function release(name: string, businessDate: BusinessDate, options: ReleaseCommand): Promise<void> {
  const output = new Output(options.json ?? false);
  using stop = StopRequest.listen();
  const { signal } = stop;
  await withInstallation((here) =>
    withScratch(async (scratch) => {
      const { datasets, warehouse, client, config } = here;
      const dataset = findDataset(datasets, name);
      const day = { dataset: dataset.name, businessDate };
      const landing = openLandingFolder(join(config.home, 'landing'));
      const { reason, file } = options;
      const asked = { reason, file, requestedBy: requestedBy(), signal };
      const attempt = await closedAttempt(warehouse, day);
      const planned = await planRelease(warehouse, landing, scratch, dataset, attempt, asked);
      const request = requestOf(planned);
      if (options.dryRun) {
        return dryRunIn(scratch, here, day, await inScratch(planned, scratch, signal), output, signal);
      }
      await requireWorker(client, output, options.detach ?? false);
      goOnUnless(signal);
      await keepRelease(warehouse, landing, scratch, planned, signal);
      await askReplay(here, request, options.detach ?? false, output, signal);
      output.note(`Which row went where: npx nighttrain quarantine releases ${name} ${businessDate}`);
    }),
  );
}

/** The request has the release's id: its answer is found by that. */
function requestOf({ releaseId, dataset, businessDate, requestedBy: by, reason }: Release) {
  const request = {
    requestId: releaseId,
    dataset,
    businessDate,
    requestedBy: by,
    reason,
    takeOver: false,
    input: 'landing' as const,
    release: releaseId,
  };
  return sound(request, 'quarantine release');
}

/** The release as it is rehearsed: its file is where a rehearsal's own files are. */
async function inScratch(planned: Release, scratch: LandingStore, signal: AbortSignal): Promise<Release> {
  if (!planned.file) return planned;
  const key = `${landingPrefix(planned, NO_EPOCH)}/corrected`;
  return { ...planned, file: await scratch.write(key, verified(scratch, planned.file), signal) };
}
