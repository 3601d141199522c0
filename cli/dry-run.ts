import { findDataset } from '../rules/find-dataset.ts';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { rehearse, type Rehearsal } from '../activities/rehearse.ts';
import type { ReleaseInput } from '../activities/land-release.ts';
import { openLandingFolder } from '../intake/landing-folder.ts';
import type { LandingStore } from '../intake/landing.ts';
import type { ReplayInput } from '../rules/attempt.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { describe } from '../rules/errors.ts';
import type { Installation } from './installation.ts';
import type { Output } from './output.ts';
import { waysByRule } from './released-ways.ts';
import { withScratch } from './scratch.ts';

type Here = Installation & { readonly warehouse: DataSource };

/**
 * Says what loading a day would change, and changes nothing: in this very process, which takes no epoch, evicts and
 * alerts nobody, and needs no worker (R10). Exit code 1 where the night would be refused.
 */
export function dryRun(
  here: Here,
  day: DatasetDay,
  input: ReplayInput,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  return withScratch((scratch) => dryRunIn(scratch, here, day, input, output, signal));
}

/** The same with a scratch store that holds what a release needs. */
export async function dryRunIn(
  scratch: LandingStore,
  { config, datasets, warehouse }: Here,
  day: DatasetDay,
  input: ReplayInput | ReleaseInput,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { inbox, env, home } = config;
  const deps = { warehouse, inbox, env, landing: openLandingFolder(join(home, 'landing')), scratch };
  const dataset = findDataset(datasets, day.dataset);
  const rehearsal = await rehearse(deps, dataset, day, input, { signal, progress: () => undefined });
  say(day, rehearsal, output);
  if (rehearsal.refusal) process.exitCode = 1;
}

function say(
  day: DatasetDay,
  { counts, rejectedByRule, refusal, comparison, released }: Rehearsal,
  output: Output,
): void {
  const { sample, ...changes } = comparison;
  const verdict = refusal ? 'would be refused' : 'would be loaded';
  output.line(
    `${dayLabel(day)} ${verdict}: ${counts.loaded} of ${counts.read} rows, ${counts.rejected} rejected, ` +
      `${counts.discarded} discarded, ${counts.deduplicated} deduplicated. Nothing was changed.`,
  );
  for (const [rule, rows] of Object.entries(rejectedByRule)) output.line(`  rejected ${rule}: ${rows}`);
  for (const line of waysByRule(released, refusal ? 'refused' : 'loaded'))
    output.line(`  was rejected ${line}`);
  output.line(
    `Against what readers see now: ${changes.added} added, ${changes.removed} removed, ${changes.changed} changed, ` +
      `${changes.unchanged} unchanged${changes.stale > 0 ? `, ${changes.stale} older than what is there` : ''}`,
  );
  for (const { what, key, before, after } of sample) {
    const difference = before && after ? ` ${JSON.stringify(before)} → ${JSON.stringify(after)}` : '';
    output.line(`  ${what} ${JSON.stringify(key)}${difference}`);
  }
  if (refusal) output.note(describe(refusal));
  output.document({
    ...day,
    dryRun: true,
    state: refusal ? 'refused' : 'loaded',
    counts,
    rejectedByRule,
    ...(released.length > 0 && { released }),
    changes,
    sample,
    ...(refusal && {
      error: { name: refusal.name, message: refusal.message, detail: refusal.detail, hint: refusal.hint },
    }),
  });
}
