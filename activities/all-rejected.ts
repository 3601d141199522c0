import type { DataSource } from 'typeorm';
import type { LandingStore } from '../intake/landing.ts';
import { landingPrefix, loadRejectsKey, type RejectedRecord } from '../intake/manifest.ts';
import { readRejects } from '../intake/rejects.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { LandingCorrupt } from '../rules/errors.ts';
import type { AttemptRow } from '../warehouse/entities/attempt.ts';
import { countQuarantined, readQuarantine } from '../warehouse/quarantine-rows.ts';

/**
 * Every rejected row of an attempt, in the order of the landed input: from the table, or, where that holds only the
 * first of a night, from the rejects files in landing, those of the intake and that of SQL as one (R5).
 * @throws LandingCorrupt where the files are needed and not there
 */
export async function allRejected(
  warehouse: DataSource,
  landing: LandingStore,
  attempt: AttemptRow,
): Promise<AsyncIterable<RejectedRecord>> {
  const kept = await countQuarantined(warehouse, attempt);
  if (attempt.rowsRejected === null || kept >= attempt.rowsRejected)
    return readQuarantine(warehouse, attempt);
  const keys = (await landing.list(`${landingPrefix(attempt, attempt.epoch)}/staged`)).filter((key) =>
    key.endsWith('.rejects.jsonl'),
  );
  if (keys.length === 0) {
    const figure = (rows: number) => rows.toLocaleString('en-US');
    throw new LandingCorrupt(
      `Of ${figure(attempt.rowsRejected)} rejected rows of ${dayLabel(attempt)} the table holds ${figure(kept)}, and landing has no file of the others`,
      {
        detail: `epoch ${attempt.epoch}`,
        hint: `Run this where the worker's NIGHTTRAIN_HOME is, or load the day again: npx nighttrain replay ${attempt.dataset} ${attempt.businessDate} --reason …`,
      },
    );
  }
  const fromFiles = (async function* () {
    for (const key of keys) yield* readRejects(landing, key);
  })();
  if (attempt.loadEpoch === null) return fromFiles;
  return merged(fromFiles, await rejectedBySql(warehouse, landing, attempt, attempt.loadEpoch));
}

/** From the file of the load's last try; of attempts before there were such files, what the table holds. */
async function rejectedBySql(
  warehouse: DataSource,
  landing: LandingStore,
  attempt: AttemptRow,
  loadEpoch: number,
): Promise<AsyncGenerator<RejectedRecord>> {
  const key = loadRejectsKey(attempt, loadEpoch);
  const keys = await landing.list(landingPrefix(attempt, attempt.epoch));
  if (keys.includes(key)) return readRejects(landing, key);
  return readQuarantine(warehouse, attempt, { epochs: [loadEpoch] });
}

/** Two streams in the order of the landed input as one. */
async function* merged(
  one: AsyncGenerator<RejectedRecord>,
  other: AsyncGenerator<RejectedRecord>,
): AsyncGenerator<RejectedRecord> {
  let first = await one.next();
  let second = await other.next();
  while (!first.done || !second.done) {
    if (second.done || (!first.done && isBefore(first.value, second.value))) {
      yield first.value as RejectedRecord;
      first = await one.next();
    } else {
      yield second.value;
      second = await other.next();
    }
  }
}

function isBefore(a: RejectedRecord, b: RejectedRecord): boolean {
  return a.part === b.part ? a.record < b.record : a.part < b.part;
}
