import type { Dataset } from '../rules/dataset.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { Ordinals } from '../rules/ordinals.ts';
import type { IntakeContext } from './context.ts';
import { COPY_BEGIN, COPY_END } from './copy-rows.ts';
import { stagedKey, type LandedPart, type SortedPart } from './manifest.ts';
import type { Pace } from './pace.ts';
import { sortPart, Tally } from './sort-part.ts';
import { StagedFile } from './staged-file.ts';
import { inOrder, leaveOut } from './staged-rows.ts';

/** A day's landed parts, and where what is rejected goes. */
export interface PassedDay {
  readonly dataset: Dataset;
  readonly day: DatasetDay;
  readonly landed: readonly LandedPart[];
  readonly epoch: number;
}

/**
 * The rows of all landed parts as one stream in COPY's binary format, while they are sorted: nothing is kept but what is
 * rejected. A piece of it holds until the next is asked for. Repeating it gives the same bytes (R9).
 * @param onPart told of each part once all of its rows have passed
 */
export async function* passDay(
  { dataset, day, landed, epoch }: PassedDay,
  context: IntakeContext,
  pace: Pace,
  onPart: (part: SortedPart) => void,
): AsyncGenerator<Uint8Array> {
  yield COPY_BEGIN;
  for (const part of inOrder(landed)) {
    const rejects = new StagedFile(context, `${stagedKey(day, epoch, part.part)}.rejects.jsonl`);
    const tally = new Tally();
    try {
      for await (const sorted of sortPart(dataset, day, part, context, pace, tally)) {
        await rejects.write(sorted.rejects);
        if (sorted.rows.length > 0) yield sorted.rows;
      }
      onPart({ part: part.part, rejects: await rejects.end(), ...tally.figures });
    } finally {
      await rejects.discard();
    }
  }
  yield COPY_END;
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
    yield* leaveOut(rowsOf(sortPart(dataset, day, part, context, pace, new Tally())), first, without);
    first += parts.find((sorted) => sorted.part === part.part)?.staged ?? 0;
  }
  yield COPY_END;
}

async function* rowsOf(sorting: ReturnType<typeof sortPart>): AsyncGenerator<Uint8Array> {
  for await (const { rows } of sorting) yield rows;
}
