import type { DataSource } from 'typeorm';
import { allRejected } from '../activities/all-rejected.ts';
import type { LandingStore } from '../intake/landing.ts';
import { correctionsTemplate } from '../intake/corrections-template.ts';
import type { Dataset } from '../rules/dataset.ts';
import { UsageError } from '../rules/errors.ts';
import { MOST_CORRECTED_ROWS } from '../rules/release.ts';
import type { AttemptRow } from '../warehouse/entities/attempt.ts';
import type { Quarantined } from '../warehouse/quarantine.ts';
import { landedFor } from './landed-input.ts';

/** The rejected rows of an attempt that one corrected file may stand in for: the first of them. */
export async function* mayCorrect(
  warehouse: DataSource,
  landing: LandingStore,
  attempt: AttemptRow,
): AsyncGenerator<Quarantined> {
  let rows = 0;
  for await (const row of await allRejected(warehouse, landing, attempt)) {
    if (rows === MOST_CORRECTED_ROWS) return;
    rows += 1;
    yield row;
  }
}

/**
 * The lines of a corrected file to start from. @throws UsageError where they would be masked: nobody corrects a mask
 */
export async function linesToCorrect(
  landing: LandingStore,
  dataset: Dataset,
  attempt: AttemptRow,
  isMasked: boolean,
  rejected: AsyncIterable<Quarantined>,
): Promise<AsyncIterable<string>> {
  const { name } = dataset;
  if (isMasked) {
    throw new UsageError(`${name} has personal columns, and a file to correct shows them`, {
      hint: `If that is meant: npx nighttrain quarantine export ${name} ${attempt.businessDate} --format corrections --raw`,
    });
  }
  const manifest = await landedFor(landing, attempt);
  const { signal } = new AbortController();
  return correctionsTemplate(dataset, manifest, rejected, { landing, signal });
}
