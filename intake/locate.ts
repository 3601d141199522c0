import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { LandingCorrupt } from '../rules/errors.ts';
import type { IntakeContext } from './context.ts';
import type { LandedPart, RejectedRecord, StagedPart } from './manifest.ts';
import { atPace, type Pace } from './pace.ts';
import { partOf, readManifest, readPart } from './read-part.ts';
import { cutAt } from './stage.ts';
import { inOrder } from './staged-rows.ts';
import { createValidator, isValid } from './validate.ts';

/** Where a staged row came from. */
export type StagedPlace = Pick<RejectedRecord, 'part' | 'record' | 'line' | 'raw'>;

/**
 * Finds the records that staged rows came from, by reading their landed parts again: only a night with rows that SQL
 * rejects pays for it.
 * @param ordinals places among the rows of all staged parts, in the order of the parts, from 0
 * @throws LandingCorrupt where the landed parts no longer give so many rows
 */
export function locateStaged(
  dataset: Dataset,
  day: DatasetDay,
  manifestKey: string,
  parts: readonly StagedPart[],
  ordinals: Iterable<number>,
  context: IntakeContext,
): Promise<Map<number, StagedPlace>> {
  return atPace(context, async (pace) => {
    const manifest = await readManifest(context, day, manifestKey);
    const sought = new Set(ordinals);
    const places = new Map<number, StagedPlace>();
    let first = 0;
    for (const { part, staged } of inOrder(parts)) {
      const here = new Set([...sought].filter((ordinal) => ordinal >= first && ordinal < first + staged));
      await locateIn(dataset, day, partOf(manifest, part), first, here, places, context, pace);
      first += staged;
    }
    if (places.size === sought.size) return places;
    throw new LandingCorrupt(
      `${sought.size - places.size} staged rows of ${dataset.name} are not in its landed input`,
      {
        detail: manifestKey,
        hint: 'Replay the day from its source.',
      },
    );
  });
}

async function locateIn(
  dataset: Dataset,
  day: DatasetDay,
  landed: LandedPart,
  first: number,
  sought: ReadonlySet<number>,
  places: Map<number, StagedPlace>,
  context: IntakeContext,
  pace: Pace,
): Promise<void> {
  if (sought.size === 0) return;
  const validate = createValidator(dataset, day.businessDate);
  const superseded = new Set(landed.superseded);
  let ordinal = first;
  let left = sought.size;
  for await (const batch of readPart(dataset, landed, context, pace)) {
    for (const record of batch) {
      if (superseded.has(record.record)) continue;
      if (record.cells === null || !isValid(validate(record.cells))) continue;
      if (sought.has(ordinal)) {
        const raw = cutAt(record.raw, dataset.bounds.recordBytes);
        places.set(ordinal, { part: landed.part, record: record.record, line: record.line, raw });
        left--;
      }
      ordinal++;
    }
    pace.rows += batch.length;
    if (left === 0) return;
    await pace.giveWay();
  }
}
