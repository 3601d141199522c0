import type { Logger } from 'pino';
import type { Attempt } from '../rules/attempt.ts';
import type { Dataset } from '../rules/dataset.ts';
import type { Ordinals } from '../rules/ordinals.ts';
import type { IntakeContext } from '../intake/context.ts';
import type { Landed, SortedPart, StagedPart } from '../intake/manifest.ts';
import type { Pace } from '../intake/pace.ts';
import { passDay, passDayAgain, type PassedDay } from '../intake/pass-day.ts';
import { readManifest } from '../intake/read-part.ts';
import { readRejects } from '../intake/rejects.ts';
import { openStaged } from '../intake/staged-rows.ts';
import { keepRejected } from '../warehouse/quarantine.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';

/** A day's rows on their way into its table. */
export interface DayRows {
  /**
   * What the intake made of each part: known before, or once all rows have passed for the first time. Where that is not
   * known when the stream has ended, it was given up on the way, and must be asked for once more, into another table.
   */
  readonly parts: readonly SortedPart[] | undefined;
  /**
   * In COPY's binary format, in the order of the parts. A piece holds until the next is asked for.
   * @param without rows to leave out
   */
  stream(pace: Pace, without?: Ordinals): AsyncIterable<Uint8Array>;
  /** Waits until all that the intake has rejected so far is in quarantine, whatever becomes of the night (R5). */
  kept(): Promise<void>;
}

/** Of parts that were staged, and whose rejected rows are kept, by steps of their own. */
export class StagedRows implements DayRows {
  readonly parts: readonly StagedPart[];
  readonly #landing: IntakeContext['landing'];

  constructor(landing: IntakeContext['landing'], parts: readonly StagedPart[]) {
    this.#landing = landing;
    this.parts = parts;
  }

  async *stream(pace: Pace, without?: Ordinals): AsyncGenerator<Uint8Array> {
    pace.bytesInAll = this.parts.reduce((sum, { rows }) => sum + rows.bytes, 0);
    for await (const piece of openStaged(this.#landing, this.parts, without) as AsyncIterable<Buffer>) {
      yield piece;
      pace.bytes += piece.length;
    }
  }

  async kept(): Promise<void> {
    // They are.
  }
}

/** Of parts that are sorted while their rows are copied: sorting and COPY take as long as the longer of them. */
export class PassedRows implements DayRows {
  parts: readonly SortedPart[] | undefined;
  readonly #day: PassedDay;
  readonly #bytes: number;
  readonly #context: IntakeContext;
  readonly #keep: (part: SortedPart) => Promise<void>;
  #keeping: Promise<void> = Promise.resolve();
  #endedEarly = false;

  private constructor(
    day: PassedDay,
    bytes: number,
    context: IntakeContext,
    keep: (part: SortedPart) => Promise<void>,
  ) {
    this.#day = day;
    this.#bytes = bytes;
    this.#context = context;
    this.#keep = keep;
  }

  static async open(
    deps: Deps,
    dataset: Dataset,
    attempt: Attempt,
    { manifest, bytes }: Landed,
    { signal, progress, log }: Pick<IntakeContext, 'signal' | 'progress'> & { readonly log: Logger },
  ): Promise<PassedRows> {
    const { warehouse, landing, inbox, env, threads } = deps;
    const { businessDate, epoch } = attempt;
    const day = { dataset: attempt.dataset, businessDate };
    const context = { landing, inbox, env, signal, progress, threads };
    const { parts: landed } = await readManifest(context, day, manifest);
    return new PassedRows({ dataset, day, landed, epoch }, bytes, context, async (sorted) => {
      const { part, read, staged, rejected, discarded, warnings, rejects } = sorted;
      log.info({ part, read, staged, rejected, discarded, warnings }, 'part sorted');
      if (rejected > 0) await keepRejected(warehouse, day, epoch, readRejects(landing, rejects.key));
    });
  }

  async *stream(pace: Pace, without?: Ordinals): AsyncGenerator<Uint8Array> {
    const [day, context] = [this.#day, this.#context];
    pace.bytesInAll = this.#bytes;
    if (this.parts && without) {
      yield* passDayAgain(day, this.parts, context, pace, without);
      return;
    }
    this.parts = yield* passDay(day, context, pace, this.#endedEarly);
    if (!this.parts) this.#endedEarly = true;
    this.#keeping = this.#keepAll(this.parts ?? []);
    this.#keeping.catch(() => undefined); // told by `kept`
  }

  async #keepAll(parts: readonly SortedPart[]): Promise<void> {
    for (const part of parts) await this.#keep(part);
  }

  async kept(): Promise<void> {
    try {
      await this.#keeping;
    } catch (error) {
      const { dataset, businessDate } = this.#day.day;
      throw warehouseError(error, `Rejected rows of ${dataset} of ${businessDate} could not be kept`);
    }
  }
}
