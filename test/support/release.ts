import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keepRelease, planRelease } from '../../cli/plan-release.ts';
import { closedAttempt } from '../../cli/closed-attempt.ts';
import { openLandingFolder } from '../../intake/landing-folder.ts';
import type { Dataset } from '../../rules/dataset.ts';
import type { Release } from '../../warehouse/release.ts';
import { endingOf, type Ending } from './ending.ts';
import type { House } from './house.ts';
import { dayOf } from './intake.ts';

const { signal } = new AbortController();

/** Plans a release as the command does, and keeps it with its corrected file. */
export async function keptRelease(
  house: House,
  dataset: Dataset,
  date: string,
  corrected?: readonly string[],
): Promise<Release> {
  const scratchFolder = await mkdtemp(join(house.folder, 'scratch-'));
  const file = corrected && join(scratchFolder, 'corrected.csv');
  if (file) await writeFile(file, `${corrected.join('\n')}\n`);
  const warehouse = await house.open(house.loaderUrl, 'release');
  const landing = openLandingFolder(join(house.folder, 'landing'));
  const scratch = openLandingFolder(scratchFolder);
  const attempt = await closedAttempt(warehouse, { dataset: dataset.name, businessDate: dayOf(date) });
  const options = { reason: 'to see', requestedBy: 'test', file, signal };
  const release = await planRelease(warehouse, landing, scratch, dataset, attempt, options);
  await keepRelease(warehouse, landing, scratch, release, signal);
  return release;
}

/** Asks control by a plain signal to carry a release out; its answer. */
export async function askForRelease(house: House, release: Release, requestId = release.releaseId) {
  const { releaseId, dataset, businessDate } = release;
  const payload = house.replayPayload(dataset, businessDate, {
    requestId,
    input: 'landing',
    release: releaseId,
  });
  await house.signal('replayDay', payload);
  return house.answerTo(requestId);
}

/** Carries a release out and waits for its end. */
export async function carryOut(house: House, release: Release): Promise<Ending> {
  const { state, answer } = await askForRelease(house, release);
  if (state !== 'started') throw new Error(`the release was not started: ${state}, ${answer}`);
  return endingOf(house.load(release.dataset, release.businessDate, answer.split(' run ')[1]));
}

/** `<part>/<record> <rule> → <part>/<record> <what it became>`, in the order of the landed input. */
export async function waysOf(house: House, { releaseId }: Release): Promise<string[]> {
  const rows = await house.ask<{ way: string }>(
    `select format('%s/%s %s → %s/%s %s', part, record, rule, new_part, new_record,
       concat_ws(' ', became, became_rule)) as way
     from nighttrain.quarantine_release_row where release_id = $1 order by part, record`,
    [releaseId],
  );
  return rows.map(({ way }) => way);
}
