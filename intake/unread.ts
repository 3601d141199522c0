import type { Dataset } from '../rules/dataset.ts';
import { untilAborted } from './abort.ts';
import type { IntakeContext } from './context.ts';
import { viewOf } from './copy-rows.ts';
import { LF } from './csv-records.ts';
import { isPacked, type StoredFile } from './landing.ts';
import type { LandedPart } from './manifest.ts';
import { nextNewline } from './next-newline.ts';
import type { Pace } from './pace.ts';
import { verified } from './verified.ts';

/** How many records of a day are still to be read, at most. Looking it up reads all that is left once more. */
export class Unread {
  readonly #dataset: Dataset;
  readonly #landed: readonly LandedPart[];
  readonly #context: Pick<IntakeContext, 'landing' | 'signal'>;
  readonly #pace: Pace;
  /** By part; of those that were being read or waiting when it was first asked. */
  #records: ReadonlyMap<number, number> | 'nobody knows' | undefined;

  constructor(
    dataset: Dataset,
    landed: readonly LandedPart[],
    context: Pick<IntakeContext, 'landing' | 'signal'>,
    pace: Pace,
  ) {
    this.#dataset = dataset;
    this.#landed = landed;
    this.#context = context;
    this.#pace = pace;
  }

  /**
   * Undefined where nobody knows before all is read: where a page of an API ends a record, or a packed file ends, is
   * seen by reading it.
   * @param part that is being read; those before it have been
   * @param read so many of its records
   */
  async atMost(part: number, read: number): Promise<number | undefined> {
    this.#records ??= await this.#count(this.#landed.filter((one) => one.part >= part));
    if (this.#records === 'nobody knows') return undefined;
    let records = 0;
    for (const [number, ofPart] of this.#records) if (number >= part) records += ofPart;
    return Math.max(records - read, 0);
  }

  async #count(parts: readonly LandedPart[]): Promise<ReadonlyMap<number, number> | 'nobody knows'> {
    const records = new Map<number, number>();
    const isPlain = ({ files }: LandedPart) => !files.some(isPacked);
    if (this.#dataset.source.kind !== 'csv' || !parts.every(isPlain)) return 'nobody knows';
    for (const { part, files } of parts) {
      let sum = 0;
      for (const file of files) sum += await this.#linesBelowHeader(file);
      records.set(part, sum);
    }
    return records;
  }

  /** A record has at least one line of its own, whatever is in it; the last one's may go without an end. */
  async #linesBelowHeader(file: StoredFile): Promise<number> {
    const { landing, signal } = this.#context;
    let [ends, last] = [0, LF];
    for await (const chunk of untilAborted(verified(landing, file, 'lend'), signal)) {
      const [view, until] = [viewOf(chunk), chunk.length];
      for (let at = nextNewline(view, 0, until); at < until; at = nextNewline(view, at + 1, until)) ends++;
      last = chunk.at(-1) ?? last;
      await this.#pace.giveWay();
    }
    return ends + (last === LF ? 0 : 1) - 1;
  }
}
