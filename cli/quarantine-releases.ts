import { join } from 'node:path';
import type { Command } from 'commander';
import { countReleasedFile, releasedKey } from '../activities/keep-released.ts';
import { openLandingFolder } from '../intake/landing-folder.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { findDataset } from '../rules/find-dataset.ts';
import type { ReleasedCount, ReleasedRow } from '../rules/release.ts';
import { QUARANTINE_BOUND } from '../warehouse/quarantine.ts';
import { countReleased, firstReleased } from '../warehouse/release-rows.ts';
import { releasesOf, type ReleaseStatus } from '../warehouse/release.ts';
import { count, shortened } from './figures.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { limitNamed, MOST_SHOWN } from './quarantine-limit.ts';
import { wayOf, waysByRule } from './released-ways.ts';

interface ReleasesOptions {
  readonly limit: number;
  readonly json?: boolean;
}

const REASON_SHOWN = 100;

export function addQuarantineReleases(quarantine: Command): void {
  quarantine
    .command('releases')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('the releases of a day, the latest first: which rejected row went where')
    .option('--limit <n>', `at most so many rows of each, up to ${MOST_SHOWN}`, limitNamed, 20)
    .option('--json', 'one JSON document on stdout')
    .action(releases);
}

async function releases(name: string, businessDate: BusinessDate, options: ReleasesOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  await withInstallation(async ({ datasets, warehouse, config }) => {
    const landing = openLandingFolder(join(config.home, 'landing'));
    const day = { dataset: findDataset(datasets, name).name, businessDate };
    const documents: object[] = [];
    for (const release of await releasesOf(warehouse, day)) {
      const kept = await countReleased(warehouse, release.releaseId);
      // The table holds the first of a release (R5).
      const isCut = rowsOf(kept) >= QUARANTINE_BOUND;
      const all =
        isCut && release.attempt ? await countReleasedFile(landing, { ...day, ...release.attempt }) : kept;
      const counts = all ?? kept;
      const rows = await firstReleased(warehouse, release.releaseId, options.limit);
      const state = release.attempt?.state ?? 'running';
      if (documents.length > 0) output.line();
      output.line(headingOf(release));
      for (const line of waysByRule(counts, state)) output.line(`  ${line}`);
      for (const row of rows) output.line(`    ${placesOf(row)}: ${wayOf(row, state)}`);
      const known = rowsOf(counts);
      if (!all)
        output.line(`    These are the first ${count(known)} alone: landing, which has all, is not here`);
      if (release.attempt && known > rows.length) {
        const key = releasedKey({ ...day, ...release.attempt });
        output.line(`    … and ${count(known - rows.length)} more; all of them are in landing/${key}`);
      }
      documents.push({ ...release, counts, rows });
    }
    if (documents.length === 0) output.line(`No rejected row of ${dayLabel(day)} was ever released`);
    output.document({ ...day, releases: documents });
  });
}

function rowsOf(counts: readonly ReleasedCount[]): number {
  return counts.reduce((sum, { rows }) => sum + rows, 0);
}

function headingOf(release: ReleaseStatus): string {
  const { askedAt, requestedBy, reason, ofEpoch, file } = release;
  const by = file ? `, by a corrected file (sha256 ${file.sha256.slice(0, 12)}…)` : '';
  return (
    `Release ${release.releaseId} of epoch ${ofEpoch}${by}, asked for at ${askedAt.toISOString()} by ${requestedBy}: ` +
    `${shortened(reason, REASON_SHOWN)}\n  ${stateOf(release)}`
  );
}

function stateOf({ attempt, request }: ReleaseStatus): string {
  if (attempt) return `epoch ${attempt.epoch}: ${attempt.state}`;
  if (!request) return 'control has not taken it up yet';
  return `${request.state}: ${request.answer}`;
}

function placesOf({ part, record, rule, newPart, newRecord }: ReleasedRow): string {
  const isCorrected = newPart !== part || newRecord !== record;
  const now = isCorrected ? ` → part ${newPart} record ${newRecord}` : '';
  return `part ${part} record ${record}${now} (${rule})`;
}
