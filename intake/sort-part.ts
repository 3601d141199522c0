import { AMBIGUOUS_KEY } from '../rules/copies.ts';
import { addByRule } from '../rules/counts.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { IntakeContext } from './context.ts';
import { Follower } from './follow-records.ts';
import { jsonLine } from './json-lines.ts';
import { Judge, type Copies, type Sorted } from './judge.ts';
import type { KeyColumn } from './key-column.ts';
import type { LandedPart, SortedPart } from './manifest.ts';
import type { Pace } from './pace.ts';
import { readPart } from './read-part.ts';
import { openPlain, sortPlain } from './sort-plain.ts';
import type { StagedFile } from './staged-file.ts';

/** A landed part, and how it is sorted. */
export interface SortJob {
  readonly dataset: Dataset;
  readonly day: DatasetDay;
  readonly landed: LandedPart;
  readonly context: IntakeContext;
  readonly pace: Pace;
  /** Told once of each thing worth a line in the log. */
  readonly warn: (warning: string) => void;
  /** Is told what became of records that were rejected before; only where their way is followed. */
  readonly followed?: StagedFile | undefined;
  /** Watched, so that copies of it are found. */
  readonly key?: KeyColumn | undefined;
}

/**
 * Sorts a landed part of any source, some records at a time, in their order; what came holds until the next is asked
 * for.
 */
export async function* sortPart(job: SortJob): AsyncGenerator<Sorted> {
  const { dataset, day, landed, context, pace, warn, key } = job;
  const plain = openPlain(dataset, day, landed, context, pace, warn, key);
  for await (const sorted of plain ? sortPlain(plain, context) : sortOneByOne(job)) {
    pace.rows += sorted.count.read;
    yield sorted;
    await pace.giveWay();
  }
}

/** What a part comes to, so far. */
export class Tally {
  readonly #count = { read: 0, staged: 0, rejected: 0, discarded: 0, deduplicated: 0 };
  readonly #warnings: string[] = [];
  #rejectedByRule: Sorted['rejectedByRule'] = {};

  get figures(): Omit<SortedPart, 'part' | 'rejects'> {
    return { ...this.#count, rejectedByRule: this.#rejectedByRule, warnings: this.#warnings };
  }

  add({ count, rejectedByRule }: Sorted): void {
    this.#count.read += count.read;
    this.#count.staged += count.staged;
    this.#count.rejected += count.rejected;
    this.#count.discarded += count.discarded;
    this.#rejectedByRule = addByRule([this.#rejectedByRule, rejectedByRule]);
  }

  /** Of rows that were counted as staged. */
  addCopies({ rejected, deduplicated }: Copies): void {
    this.#count.staged -= rejected + deduplicated;
    this.#count.rejected += rejected;
    this.#count.deduplicated += deduplicated;
    if (rejected > 0) this.#rejectedByRule = addByRule([this.#rejectedByRule, { [AMBIGUOUS_KEY]: rejected }]);
  }

  warn(warning: string): void {
    this.#warnings.push(warning);
  }
}

/** Of any source, also where records are superseded by others, or followed. */
async function* sortOneByOne({
  dataset,
  day,
  landed,
  context,
  pace,
  warn,
  followed,
}: SortJob): AsyncGenerator<Sorted> {
  const judge = new Judge(dataset, day.businessDate, landed.part);
  const superseded = new Set(landed.superseded);
  const follower =
    landed.reconsidered && (await Follower.open(context.landing, landed.part, landed.reconsidered));
  let staged = 0;
  for await (const batch of readPart(dataset, landed, context, pace, warn)) {
    let ways = '';
    for (const record of batch) {
      const way = superseded.has(record.record) ? judge.discard() : judge.judge(record);
      if (follower?.sought === record.record) ways += jsonLine(await follower.passed(way, staged));
      if (way.became === 'staged') staged++;
    }
    await followed?.write(Buffer.from(ways));
    yield judge.take();
  }
  follower?.end();
}
