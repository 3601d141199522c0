import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import { LandingCorrupt } from '../rules/errors.ts';
import { Ordinals } from '../rules/ordinals.ts';
import type { IntakeContext } from './context.ts';
import type { LandedPart, RejectedRecord, SortedPart } from './manifest.ts';
import type { Pace } from './pace.ts';
import { partOf, readManifest, readPart } from './read-part.ts';
import type { Place } from './csv-fields.ts';
import { cutAt } from './reject-lines.ts';
import { openPlain, type PlainPart } from './sort-plain.ts';
import { readRejects } from './rejects.ts';
import type { CsvBlock } from './csv.ts';
import { StagedFinder } from './staged-finder.ts';
import { StagedPlaces, type FoundPlaces } from './staged-places.ts';
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
  parts: readonly SortedPart[],
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
  staged: SortedPart,
  first: number,
  sought: Ordinals,
  context: Pick<IntakeContext, 'landing' | 'signal'>,
  pace: Pace,
): AsyncGenerator<StagedPlace> {
  const plain = openPlain(dataset, day, landed, context, pace);
  if (plain) {
    const find =
      staged.discarded === 0
        ? await amongRejected(context, staged, sought, first)
        : bySortingAgain(sought, first);
    yield* stagedInBlocks(plain, find, dataset.bounds.recordBytes, pace);
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

/** Where a block's staged records are that are sought. Blocks come in the order of their file. */
type Find = (block: CsvBlock, finder: StagedFinder) => FoundPlaces;

/** Where all other records of the part were rejected, and are known by their numbers. */
async function amongRejected(
  { landing }: Pick<IntakeContext, 'landing'>,
  { rejects }: SortedPart,
  sought: Ordinals,
  first: number,
): Promise<Find> {
  const others = new Ordinals();
  for await (const { record } of readRejects(landing, rejects.key)) others.add(record);
  const staged = new StagedPlaces(others, sought, first);
  return (block) => staged.in(block);
}

/** Of any part. */
function bySortingAgain(sought: Ordinals, first: number): Find {
  let ordinal = first;
  return (block, finder) => {
    const places: Place[] = [];
    const ordinals: number[] = [];
    const staged = finder.stagedPlaces(block);
    for (const place of staged) {
      if (sought.has(ordinal)) {
        places.push(place);
        ordinals.push(ordinal);
      }
      ordinal++;
    }
    return { places, ordinals, passed: staged.length };
  };
}

/** The same of a plain CSV file, block by block. */
async function* stagedInBlocks(
  { part: csvPart, blocks }: PlainPart,
  find: Find,
  recordBytes: number,
  pace: Pace,
): AsyncGenerator<StagedPlace> {
  let finder: StagedFinder | undefined;
  for await (const block of blocks()) {
    finder ??= new StagedFinder(csvPart, block.header);
    const { places, ordinals, passed } = find(block, finder);
    for (const [index, { record, values }] of finder.read(block, places).entries()) {
      const { record: number, line } = record;
      const raw = cutAt(record.raw, recordBytes);
      yield { part: csvPart.part, record: number, line, raw, ordinal: ordinals[index] as number, values };
    }
    pace.rows += passed;
    await pace.giveWay();
  }
}
