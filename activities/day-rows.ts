import type { Logger } from 'pino';
import type { Attempt } from '../rules/attempt.ts';
import { AMBIGUOUS_KEY } from '../rules/copies.ts';
import type { Dataset } from '../rules/dataset.ts';
import { describe, NightTrainError, SortingFailed } from '../rules/errors.ts';
import type { Ordinals } from '../rules/ordinals.ts';
import { asBuffer } from '../intake/as-buffer.ts';
import type { IntakeContext } from '../intake/context.ts';
import type { Landed, RejectedRecord, SortedPart, StagedPart } from '../intake/manifest.ts';
import type { Pace } from '../intake/pace.ts';
import { passDay, passDayAgain, type PassedDay } from '../intake/pass-day.ts';
import { readManifest } from '../intake/read-part.ts';
import { readRejects } from '../intake/rejects.ts';
import { openStaged } from '../intake/staged-rows.ts';
import { Quarantine } from '../warehouse/quarantine.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import type { StepContext } from './step.ts';

/** A day's rows on their way into its table. */
export interface DayRows {
  /**
   * What the intake made of each part: known before, or once all rows have passed for the first time. Where that is not
   * known when the stream has ended, it was given up on the way, and must be asked for once more, into another table.
   */
  readonly parts: readonly SortedPart[] | undefined;
  /** So many records at most were left unread: it is certain that the night is refused (R2). */
  readonly unread: number;
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
  readonly unread = 0;
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
  unread = 0;
  readonly #deps: Deps;
  readonly #day: PassedDay;
  readonly #bytes: number;
  readonly #context: IntakeContext;
  readonly #log: Logger;
  #keeping: Promise<void> = Promise.resolve();
  #leavesCopies = false;

  private constructor(deps: Deps, day: PassedDay, bytes: number, context: IntakeContext, log: Logger) {
    this.#deps = deps;
    this.#day = day;
    this.#bytes = bytes;
    this.#context = context;
    this.#log = log;
  }

  static async open(
    deps: Deps,
    dataset: Dataset,
    attempt: Attempt,
    { manifest, bytes }: Landed,
    { signal, progress, log }: Pick<StepContext, 'signal' | 'progress' | 'log'>,
  ): Promise<PassedRows> {
    const { landing, inbox, env, threads } = deps;
    const { dataset: name, businessDate, epoch, plan } = attempt;
    const day = { dataset: name, businessDate };
    const context = { landing, inbox, env, signal, progress, threads };
    const { parts: landed } = await readManifest(context, day, manifest);
    const { rejectLimitPercent } = plan;
    return new PassedRows(deps, { dataset, day, landed, epoch, rejectLimitPercent }, bytes, context, log);
  }

  async *stream(pace: Pace, without?: Ordinals): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#pass(pace, without);
    } catch (cause) {
      throw this.#asSortingFailure(cause);
    }
  }

  async *#pass(pace: Pace, without: Ordinals | undefined): AsyncGenerator<Uint8Array> {
    const [day, context] = [this.#day, this.#context];
    pace.bytesInAll = this.#bytes;
    if (this.parts && without) {
      yield* passDayAgain(day, this.parts, context, pace, without);
      return;
    }
    const epochs = { attempt: day.epoch, own: day.epoch };
    const quarantine = new Quarantine(this.#deps.warehouse, day.day, epochs);
    const onRejects = (lines: Uint8Array) =>
      keepLines(quarantine, lines).catch((cause: unknown) => this.#notKept(cause));
    try {
      const passed = yield* passDay(day, context, pace, this.#leavesCopies, onRejects);
      this.parts = passed?.parts;
      this.unread = passed?.unread ?? 0;
    } finally {
      this.#keeping = this.#keepRest(quarantine, this.parts ?? []);
      this.#keeping.catch(() => undefined); // told by `kept`
    }
    if (this.parts) this.#tellParts(this.parts);
    else this.#leavesCopies = true;
  }

  async kept(): Promise<void> {
    try {
      await this.#keeping;
    } catch (cause) {
      this.#notKept(cause);
    }
  }

  #notKept(cause: unknown): never {
    const { dataset, businessDate } = this.#day.day;
    throw warehouseError(cause, `Rejected rows of ${dataset} of ${businessDate} could not be kept`);
  }

  /** Rows that contradict each other come last: only now is it certain that it was the intake's to judge them. */
  async #keepRest(quarantine: Quarantine, parts: readonly SortedPart[]): Promise<void> {
    for (const { rejects, rejectedByRule } of parts) {
      if (rejectedByRule[AMBIGUOUS_KEY] === undefined) continue;
      for await (const row of readRejects(this.#deps.landing, rejects.key)) {
        if (quarantine.isFull) break;
        if (row.rule === AMBIGUOUS_KEY) await quarantine.keep(row);
      }
    }
    await quarantine.end();
  }

  /** By its name it is the warehouse's failure no more, whose transaction it ends. */
  #asSortingFailure(cause: unknown): unknown {
    if (cause instanceof NightTrainError || this.#context.signal.aborted) return cause;
    const { dataset, businessDate } = this.#day.day;
    return new SortingFailed(`What has landed of ${dataset} of ${businessDate} could not be sorted`, {
      detail: describe(cause),
      cause,
    });
  }

  #tellParts(parts: readonly SortedPart[]): void {
    for (const { rejects: _, rejectedByRule: __, ...figures } of parts)
      this.#log.info(figures, 'part sorted');
  }
}

async function keepLines(quarantine: Quarantine, lines: Uint8Array): Promise<void> {
  if (quarantine.isFull) return;
  for (const line of asBuffer(lines).toString().split('\n')) {
    if (quarantine.isFull) return;
    if (line !== '') await quarantine.keep(JSON.parse(line) as RejectedRecord);
  }
}
