import { findDataset } from '../rules/find-dataset.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { rehearse, type Rehearsal } from '../activities/rehearse.ts';
import { openLandingFolder } from '../intake/landing-folder.ts';
import type { ReplayInput } from '../rules/attempt.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { describe } from '../rules/errors.ts';
import type { Installation } from './installation.ts';
import type { Output } from './output.ts';

/**
 * Says what loading a day would change, and changes nothing: in this very process, which takes no epoch, evicts and
 * alerts nobody, and needs no worker (R10). Exit code 1 where the night would be refused.
 */
export async function dryRun(
  { config, datasets, warehouse }: Installation & { readonly warehouse: DataSource },
  day: DatasetDay,
  input: ReplayInput,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nighttrain-dry-run-'));
  try {
    const deps = {
      warehouse,
      inbox: config.inbox,
      env: config.env,
      landing: openLandingFolder(join(config.home, 'landing')),
      scratch: openLandingFolder(folder),
    };
    const dataset = findDataset(datasets, day.dataset);
    const rehearsal = await rehearse(deps, dataset, day, input, { signal, progress: () => undefined });
    say(day, rehearsal, output);
    if (rehearsal.refusal) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function say(
  day: DatasetDay,
  { counts, rejectedByRule, refusal, comparison }: Rehearsal,
  output: Output,
): void {
  const { sample, ...changes } = comparison;
  const verdict = refusal ? 'would be refused' : 'would be loaded';
  output.line(
    `${dayLabel(day)} ${verdict}: ${counts.loaded} of ${counts.read} rows, ${counts.rejected} rejected, ` +
      `${counts.discarded} discarded, ${counts.deduplicated} deduplicated. Nothing was changed.`,
  );
  for (const [rule, rows] of Object.entries(rejectedByRule)) output.line(`  rejected ${rule}: ${rows}`);
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
    changes,
    sample,
    ...(refusal && {
      error: { name: refusal.name, message: refusal.message, detail: refusal.detail, hint: refusal.hint },
    }),
  });
}
