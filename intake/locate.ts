import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { LandingCorrupt } from '../rules/errors.ts';
import { Ordinals } from '../rules/ordinals.ts';
import type { IntakeContext } from './context.ts';
import type { LandedPart, RejectedRecord, StagedPart } from './manifest.ts';
import type { Pace } from './pace.ts';
import { partOf, readManifest, readPart } from './read-part.ts';
import type { Place } from './csv-fields.ts';
import { cutAt } from './judge.ts';
import { openPlain, type PlainPart } from './sort-plain.ts';
import { readRejects } from './rejects.ts';
import type { CsvBlock } from './csv.ts';
import { StagedFinder } from './staged-finder.ts';
import { StagedPlaces } from './staged-places.ts';
import { inOrder } from './staged-rows.ts';
import { createValidator, isValid, type Values } from './validate.ts';

/** Where a staged row came from, and what it was staged as. */
export interface StagedPlace extends Pick<RejectedRecord, 'part' | 'record' | 'line' | 'raw'> {
  readonly ordinal: number;
  readonly values: Values;
}

/**
 * Finds the records that staged rows came from, in their order, by reading their landed parts again: only a night with
 * rows that SQL rejects pays for it.
 * @param sought places among the rows of all staged parts, in the order of the parts
 * @throws LandingCorrupt where the landed parts no longer give so many rows
 */
export async function* locateStaged(
  dataset: Dataset,
  day: DatasetDay,
  manifestKey: string,
  parts: readonly StagedPart[],
  sought: Ordinals,
  context: Pick<IntakeContext, 'landing' | 'signal'>,
  pace: Pace,
): AsyncGenerator<StagedPlace> {
  const manifest = await readManifest(context, day, manifestKey);
  let left = sought.size;
  let first = 0;
  for (const stagedPart of inOrder(parts)) {
    const { part, staged } = stagedPart;
    if (left > 0 && sought.hasBetween(first, first + staged)) {
      for await (const record of stagedRecords(
        dataset,
        day,
        partOf(manifest, part),
        stagedPart,
        first,
        sought,
        context,
        pace,
      )) {
        yield record;
        if (--left === 0) return;
      }
    }
    first += staged;
  }
  if (left === 0) return;
  throw new LandingCorrupt(`${left} staged rows of ${dataset.name} are not in its landed input`, {
    detail: manifestKey,
    hint: 'Replay the day from its source.',
  });
}

/** Those of a part's staged records that are sought. @param first ordinal of the part's first row */
async function* stagedRecords(
  dataset: Dataset,
  day: DatasetDay,
  landed: LandedPart,
  staged: StagedPart,
  first: number,
  sought: Ordinals,
  context: Pick<IntakeContext, 'landing' | 'signal'>,
  pace: Pace,
): AsyncGenerator<StagedPlace> {
  const plain = openPlain(dataset, day, landed, context, pace);
  if (plain && staged.discarded === 0) {
    const others = new Ordinals();
    for await (const { record } of readRejects(context.landing, staged.rejects.key)) others.add(record);
    yield* stagedAmong(plain, new StagedPlaces(others, sought, first), dataset.bounds.recordBytes, pace);
    return;
  }
  if (plain) {
    yield* stagedInBlocks(plain, first, sought, dataset.bounds.recordBytes, pace);
    return;
  }
  const validate = createValidator(dataset, day.businessDate);
  const superseded = new Set(landed.superseded);
  let ordinal = first;
  for await (const batch of readPart(dataset, landed, context, pace)) {
    for (const record of batch) {
      if (superseded.has(record.record)) continue;
      const values = record.cells === null ? undefined : validate(record.cells);
      if (values === undefined || !isValid(values)) continue;
      if (sought.has(ordinal)) {
        const raw = cutAt(record.raw, dataset.bounds.recordBytes);
        yield { part: landed.part, record: record.record, line: record.line, raw, ordinal, values };
      }
      ordinal++;
    }
    pace.rows += batch.length;
    await pace.giveWay();
  }
}

/** The same of a plain CSV file whose other records were all rejected, and are known by their numbers. */
async function* stagedAmong(
  { part, blocks }: PlainPart,
  staged: StagedPlaces,
  recordBytes: number,
  pace: Pace,
): AsyncGenerator<StagedPlace> {
  let finder: StagedFinder | undefined;
  for await (const block of blocks) {
    finder ??= new StagedFinder(part, block.header);
    const { places, ordinals } = staged.in(block);
    yield* placesRead(finder, block, places, ordinals, part.part, recordBytes);
    pace.rows += places.length;
    await pace.giveWay();
  }
}

/** The same of any plain CSV file: its blocks are sorted as they were. */
async function* stagedInBlocks(
  { part, blocks }: PlainPart,
  first: number,
  sought: Ordinals,
  recordBytes: number,
  pace: Pace,
): AsyncGenerator<StagedPlace> {
  let finder: StagedFinder | undefined;
  let ordinal = first;
  for await (const block of blocks) {
    finder ??= new StagedFinder(part, block.header);
    const places = finder.stagedPlaces(block);
    const ordinals: number[] = [];
    for (let index = 0; index < places.length; index++) {
      if (sought.has(ordinal + index)) ordinals.push(ordinal + index);
    }
    const base = ordinal;
    const those = ordinals.map((one) => places[one - base] as Place);
    yield* placesRead(finder, block, those, ordinals, part.part, recordBytes);
    ordinal += places.length;
    pace.rows += places.length;
    await pace.giveWay();
  }
}

function* placesRead(
  finder: StagedFinder,
  block: CsvBlock,
  places: readonly Place[],
  ordinals: readonly number[],
  part: number,
  recordBytes: number,
): Generator<StagedPlace> {
  for (const [index, { record, values }] of finder.read(block, places).entries()) {
    const { record: number, line } = record;
    const raw = cutAt(record.raw, recordBytes);
    yield { part, record: number, line, raw, ordinal: ordinals[index] as number, values };
  }
}
