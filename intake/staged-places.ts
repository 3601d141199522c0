import type { Ordinals } from '../rules/ordinals.ts';
import type { CsvBlock } from './csv.ts';
import type { Place } from './csv-fields.ts';
import { isLines, LF, spanOfLine, type Lines } from './csv-records.ts';

/** The staged records of a block that are sought: where they are, and which rows. */
export interface FoundPlaces {
  readonly places: readonly Place[];
  readonly ordinals: readonly number[];
  /** All staged records of the block. */
  readonly passed: number;
}

/**
 * Where staged records of a file are that are sought, block by block, where it is known which of its records were not
 * staged: lines are counted, and nothing is read but what is sought.
 */
export class StagedPlaces {
  readonly #others: Ordinals;
  readonly #sought: Ordinals;
  /** Of the next staged record. */
  #ordinal: number;

  /** @param others records that were not staged, by their number @param first ordinal of the first row */
  constructor(others: Ordinals, sought: Ordinals, first: number) {
    this.#others = others;
    this.#sought = sought;
    this.#ordinal = first;
  }

  /** Of a block, in the order of its file. */
  in(block: CsvBlock): FoundPlaces {
    const first = this.#ordinal;
    const places: Place[] = [];
    const ordinals: number[] = [];
    let { record } = block;
    const pass = (place: () => Omit<Place, 'record'>) => {
      if (!this.#others.has(record)) {
        if (this.#sought.has(this.#ordinal)) {
          places.push({ ...place(), record });
          ordinals.push(this.#ordinal);
        }
        this.#ordinal++;
      }
      record++;
    };
    const mayBeBlank = block.header.width === 1;
    for (const run of block.runs) {
      if (isLines(run)) passLines(block.bytes, run, mayBeBlank, pass);
      else if (mayBeBlank || run.start < run.end) pass(() => run);
    }
    return { places, ordinals, passed: this.#ordinal - first };
  }
}

function passLines(
  bytes: Buffer,
  { start, next, line: first }: Lines,
  mayBeBlank: boolean,
  pass: (place: () => Omit<Place, 'record'>) => void,
): void {
  let line = first;
  for (let at = start; at < next; line++) {
    const [from, number] = [at, line];
    const newline = bytes.indexOf(LF, at);
    const place = () => spanOfLine(bytes, from, newline, number);
    if (mayBeBlank || newline > at + 1 || place().start < place().end) pass(place);
    at = newline + 1;
  }
}
