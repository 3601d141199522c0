import { CopyRows } from './copy-rows.ts';
import { placesOf, type CsvBlock } from './csv.ts';
import { FieldReader, type Place } from './csv-fields.ts';
import type { Header } from './csv-header.ts';
import { isLines } from './csv-records.ts';
import type { CsvPart } from './csv-sorter.ts';
import { openFastLane, type FastLane } from './fast-lane.ts';
import type { RawRecord } from './records.ts';
import { createValidator, isValid, type Values } from './validate.ts';

const ROW_BYTES = 4_096;

/** Finds the records that rows were staged from, in blocks of one file, as `CsvSorter` sorts them. */
export class StagedFinder {
  readonly #reader: FieldReader;
  readonly #validate: ReturnType<typeof createValidator>;
  readonly #lane: FastLane | undefined;
  readonly #rows = new CopyRows(ROW_BYTES);

  constructor({ dataset, source, businessDate, file }: CsvPart, header: Header) {
    this.#reader = new FieldReader(dataset, source, header, file);
    this.#validate = createValidator(dataset, businessDate);
    this.#lane = openFastLane(dataset, source, header, businessDate);
  }

  /** Where the block's staged records are, in their order. */
  stagedPlaces(block: CsvBlock): Place[] {
    const places: Place[] = [];
    const others: Place[] = [];
    let { record } = block;
    for (const run of block.runs) {
      for (const place of placesOf({ ...block, runs: [run], record })) {
        places.push(place);
        record++;
        if (!isLines(run) || !this.#isPlain(block, place, run.quoted)) others.push(place);
      }
    }
    const left = new Set<Place>();
    for (const [index, { cells }] of this.#reader.read(block.bytes, others).entries()) {
      if (cells === null || !isValid(this.#validate(cells))) left.add(others[index] as Place);
    }
    return left.size === 0 ? places : places.filter((place) => !left.has(place));
  }

  /** The staged records of a block that stand at these places. */
  read(block: CsvBlock, places: readonly Place[]): { readonly record: RawRecord; readonly values: Values }[] {
    return this.#reader.read(block.bytes, places).map((record) => {
      const values = record.cells === null ? undefined : this.#validate(record.cells);
      if (record.cells === null || values === undefined || !isValid(values))
        throw new Error(`Record ${record.record} was staged, and is not sound`);
      return { record, values };
    });
  }

  #isPlain({ bytes }: CsvBlock, { start }: Place, quoted: boolean): boolean {
    this.#rows.at = 0;
    return this.#lane?.take(bytes, start, this.#rows, quoted) ?? false;
  }
}
