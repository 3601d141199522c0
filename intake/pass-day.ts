import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { Ordinals } from '../rules/ordinals.ts';
import { unlessAborted } from './abort.ts';
import type { IntakeContext } from './context.ts';
import { COPY_BEGIN, COPY_END } from './copy-rows.ts';
import type { Copies, Sorted } from './judge.ts';
import { keyColumnOf } from './key-column.ts';
import { stagedKey, type LandedPart, type SortedPart } from './manifest.ts';
import type { Pace } from './pace.ts';
import { Prospect } from './prospect.ts';
import { sortPart, Tally } from './sort-part.ts';
import { StagedFile } from './staged-file.ts';
import { inOrder, leaveOut } from './staged-rows.ts';
import { Unread } from './unread.ts';

/** A day's landed parts, and the attempt whose rejects files they are written to. */
export interface PassedDay {
  readonly dataset: Dataset;
  readonly day: DatasetDay;
  readonly landed: readonly LandedPart[];
  readonly epoch: number;
  readonly rejectLimitPercent: number;
}

/** What the intake has made of a day. */
export interface Passed {
  readonly parts: readonly SortedPart[];
  /** So many records at most were left unread: it is certain that the night is refused (R2). Otherwise 0. */
  readonly unread: number;
}

/**
 * The rows of all landed parts as one stream in COPY's binary format, while they are sorted: nothing is kept but what is
 * rejected. A piece of it holds until the next is asked for. Repeating it gives the same bytes (R9).
 *
 * As long as keys ascend, rows that share one are neighbours, and are judged on the way as the warehouse would judge
 * them; once they do not, that is the warehouse's work. Where some were judged by then, the stream ends early. So it does
 * once the night is past saving.
 * @param onRejects told of rejected records as they come, one JSON `RejectedRecord` a line; those that contradict each
 * other are in the rejects files alone
 * @returns undefined where the stream ended early on account of copies, and must be asked for once more with
 * `leavesCopies`
 */
export async function* passDay(
  passed: PassedDay,
  context: IntakeContext,
  pace: Pace,
  leavesCopies: boolean,
  onRejects: (lines: Uint8Array) => Promise<void>,
): AsyncGenerator<Uint8Array, Passed | undefined> {
  const { dataset, day, landed, epoch } = passed;
  const prospect = new Prospect(passed.rejectLimitPercent, new Unread(dataset, landed, context, pace));
  const watch = new KeyWatch(leavesCopies);
  const key = leavesCopies ? undefined : keyColumnOf(dataset);
  const parts: SortedPart[] = [];
  yield COPY_BEGIN;
  for (const part of inOrder(landed)) {
    const rejects = new StagedFile(context, `${stagedKey(day, epoch, part.part)}.rejects.jsonl`);
    const tally = new Tally();
    const warn = (warning: string) => tally.warn(warning);
    try {
      const job = { dataset, day, landed: part, context, pace, warn, key };
      for await (const sorted of sortPart(job)) {
        const copies = watch.judge(sorted);
        if (watch.isBroken) break;
        tally.add(sorted);
        await rejects.write(copies?.rejects ?? sorted.rejects);
        if (sorted.rejects.length > 0) await unlessAborted(onRejects(sorted.rejects), context.signal);
        if (copies) tally.addCopies(copies);
        const rows = copies ? withoutStretches(sorted.rows, copies) : sorted.rows;
        if (rows.length > 0) yield rows;
        if (await prospect.isLost(part.part, tally.figures)) break;
      }
      if (watch.isBroken) break;
      const sorted = { part: part.part, rejects: await rejects.end(), ...tally.figures };
      parts.push(sorted);
      prospect.add(sorted);
      if (prospect.unread > 0) break;
    } finally {
      await rejects.discard();
    }
  }
  yield COPY_END;
  return watch.isBroken ? undefined : { parts, unread: prospect.unread };
}

/** The same once more, when it is known what each part comes to. @param without rows to leave out */
export async function* passDayAgain(
  { dataset, day, landed }: PassedDay,
  parts: readonly SortedPart[],
  context: IntakeContext,
  pace: Pace,
  without: Ordinals,
): AsyncGenerator<Uint8Array> {
  let first = 0;
  yield COPY_BEGIN;
  for (const part of inOrder(landed)) {
    const rows = rowsOf(sortPart({ dataset, day, landed: part, context, pace, warn: () => undefined }));
    const { staged = 0 } = parts.find((sorted) => sorted.part === part.part) ?? {};
    yield* without.hasBetween(first, first + staged) ? leaveOut(rows, first, without) : rows;
    first += staged;
  }
  yield COPY_END;
}

async function* rowsOf(sorting: AsyncIterable<Sorted>): AsyncGenerator<Uint8Array> {
  for await (const { rows } of sorting) if (rows.length > 0) yield rows;
}

/** Rows that stay close up in place: each stretch as a piece of its own would be some fifty writes to the socket a block. */
function withoutStretches(rows: Uint8Array, { stretches }: Copies): Uint8Array {
  let end = stretches[0]?.[0] ?? rows.length;
  for (const [index, [, from]] of stretches.entries()) {
    const to = stretches[index + 1]?.[0] ?? rows.length;
    rows.copyWithin(end, from, to);
    end += to - from;
  }
  return rows.subarray(0, end);
}

/** Whether the keys of a day ascend. */
class KeyWatch {
  /** They did, copies were judged by that, and now they do not. */
  isBroken = false;
  #isOver: boolean;
  #last: bigint | undefined;
  #hasJudged = false;

  constructor(isOver: boolean) {
    this.#isOver = isOver;
  }

  /** What to do about copies of keys among the next rows; undefined where there are none, or others must judge them. */
  judge({ keys, rows }: Pick<Sorted, 'keys' | 'rows'>): Copies | undefined {
    if (this.#isOver || rows.length === 0) return undefined;
    if (!keys?.ascend || (this.#last !== undefined && keys.first <= this.#last)) {
      this.#isOver = true;
      this.isBroken = this.#hasJudged;
      return undefined;
    }
    this.#last = keys.last;
    this.#hasJudged ||= keys.copies !== undefined;
    return keys.copies;
  }
}
