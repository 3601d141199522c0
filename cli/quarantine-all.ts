import { readRejects } from '../intake/rejects.ts';
import type { DataSource } from 'typeorm';
import type { LandingStore } from '../intake/landing.ts';
import { landingPrefix } from '../intake/manifest.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { LandingCorrupt } from '../rules/errors.ts';
import type { AttemptRow } from '../warehouse/entities/attempt.ts';
import type { Quarantined } from '../warehouse/quarantine.ts';
import { countQuarantined, readQuarantine } from '../warehouse/quarantine-rows.ts';
import { count } from './figures.ts';

/**
 * Every rejected row of an attempt: from the table, or, where that holds only the first of a night, from the rejects
 * files in landing, and then what SQL rejected from the table (R5).
 * @throws LandingCorrupt where the files are needed and not there
 */
export async function allRejected(
  warehouse: DataSource,
  landing: LandingStore,
  attempt: AttemptRow,
): Promise<AsyncIterable<Quarantined>> {
  const kept = await countQuarantined(warehouse, attempt);
  if (attempt.rowsRejected === null || kept >= attempt.rowsRejected)
    return readQuarantine(warehouse, attempt);
  const keys = (await landing.list(`${landingPrefix(attempt, attempt.epoch)}/staged`)).filter((key) =>
    key.endsWith('.rejects.jsonl'),
  );
  if (keys.length === 0) {
    throw new LandingCorrupt(
      `Of ${count(attempt.rowsRejected)} rejected rows of ${dayLabel(attempt)} the table holds ${count(kept)}, and landing has no file of the others`,
      {
        detail: `epoch ${attempt.epoch}`,
        hint: `Run this where the worker's NIGHTTRAIN_HOME is, or load the day again: npx nighttrain replay ${attempt.dataset} ${attempt.businessDate} --reason …`,
      },
    );
  }
  return (async function* () {
    for (const key of keys) yield* readRejects(landing, key);
    if (attempt.loadEpoch !== null)
      yield* readQuarantine(warehouse, attempt, { epochs: [attempt.loadEpoch] });
  })();
}
