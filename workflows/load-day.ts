import {
  CancellationScope,
  setHandler,
  upsertSearchAttributes,
  type ApplicationFailure,
} from '@temporalio/workflow';
import type { Attempt, AttemptKind, Receipt } from '../rules/attempt.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';
import type { TakenOver } from '../activities/index.ts';
import { atMost } from './at-most.ts';
import { progressQuery, type DayLoaded, type LoadDayRequest, type StepProgress } from './messages.ts';
import { endOf, failureOf, outcomeOf } from './outcome.ts';
import { bookkeeping, steps } from './policies.ts';
import { stateIs } from './search-attributes.ts';

/**
 * Loads one dataset day, whole or not at all: take over → extract → transform → load → audit → receipt (§3). A large night
 * is transformed within its load.
 */
export async function loadDay(request: LoadDayRequest): Promise<DayLoaded> {
  const { dataset, businessDate, kind } = request;
  const day = { dataset, businessDate };
  const progress = new Progress();
  setHandler(progressQuery, () => progress.steps);

  const taken = await progress.of('take over', 1, () => takeOver(day, kind));
  if ('alreadyLoaded' in taken) {
    upsertSearchAttributes(stateIs('loaded'));
    return { receipt: taken.alreadyLoaded, alreadyLoaded: true };
  }
  const { attempt } = taken; // from here on, older attempts cannot commit
  try {
    const receipt = await ride(attempt, request, progress);
    if (!(await close(attempt, { outcome: 'loaded' }))) throw notInLedger(attempt);
    return { receipt, alreadyLoaded: false };
  } catch (cause) {
    const receipt = await close(attempt, outcomeOf(cause));
    if (receipt) return { receipt, alreadyLoaded: false }; // the ledger has it: a cancel lost to COMMIT
    throw endOf(cause);
  }
}

/** The load step had a receipt, and the ledger no longer has the batch: somebody has tampered with it (R7, R16). */
function notInLedger({ dataset, businessDate }: Attempt): ApplicationFailure {
  const message = `${dataset} of ${businessDate} was loaded, yet the ledger has no batch of it`;
  return failureOf({
    name: 'CommitNotFound',
    message,
    hint: 'Hold the ledger against its hash chain: npx nighttrain doctor',
  });
}

/** Not cancellable: who cancels meanwhile finds an attempt that is closed properly, by the step after this one. */
async function takeOver(day: DatasetDay, kind: AttemptKind): Promise<TakenOver> {
  try {
    return await CancellationScope.nonCancellable(() => bookkeeping.takeOver(day, kind));
  } catch (cause) {
    const end = { ...day, ...outcomeOf(cause) }; // no attempt is there to tell of it
    await CancellationScope.nonCancellable(() => bookkeeping.raiseEnd(end));
    throw endOf(cause);
  }
}

async function ride(
  attempt: Attempt,
  { input, release }: Pick<LoadDayRequest, 'input' | 'release'>,
  progress: Progress,
): Promise<Receipt> {
  const { extract, transform, sortsInLoad, load, auditNight } = steps(attempt.plan);
  const landed = await progress.of('extract', 1, () => extract(attempt, input, release));
  progress.note({ bytes: landed.bytes });
  const parts = Array.from({ length: landed.parts }, (_, index) => index + 1);
  const transformAll = () =>
    atMost(attempt.plan.partsAtOnce, parts, async (part) => {
      const one = await transform(attempt, landed, part);
      progress.advance(one.read);
      return one;
    });
  const staged = sortsInLoad(landed)
    ? undefined
    : saidOnce(await progress.of('transform', landed.parts, transformAll));
  const receipt = await progress.of('load', 1, () => load(attempt, landed, staged));
  progress.note({ rows: receipt.counts.loaded });
  if (attempt.plan.hasWarnAudits) await progress.of('audit', 1, () => auditNight(attempt, receipt));
  return receipt;
}

/** Parts repeat each other's warnings: a thousand of them, each with all of its own, would not fit a payload. */
function saidOnce<Part extends { readonly warnings: readonly string[] }>(parts: readonly Part[]): Part[] {
  const said = new Set<string>();
  return parts.map((part) => {
    const warnings = part.warnings.filter((warning) => !said.has(warning));
    for (const warning of warnings) said.add(warning);
    return { ...part, warnings };
  });
}

async function close(
  attempt: Attempt,
  closing: Parameters<typeof bookkeeping.closeAttempt>[1],
): Promise<Receipt | null> {
  const receipt = await CancellationScope.nonCancellable(() => bookkeeping.closeAttempt(attempt, closing));
  upsertSearchAttributes(stateIs(receipt ? 'loaded' : closing.outcome));
  return receipt;
}

/** Which step is under way, for whoever asks. */
class Progress {
  readonly steps: StepProgress[] = [];

  async of<T>(name: StepProgress['name'], of: number, work: () => Promise<T>): Promise<T> {
    this.steps.push({ name, state: 'running', done: 0, of });
    const result = await work();
    this.note({ state: 'done', done: of });
    return result;
  }

  /** One more part of the step is done. */
  advance(rows: number): void {
    const { done = 0, rows: before = 0 } = this.steps.at(-1) ?? {};
    this.note({ done: done + 1, rows: before + rows });
  }

  /** Says more of the latest step. */
  note(more: Partial<StepProgress>): void {
    const step = this.steps.at(-1);
    if (step) this.steps[this.steps.length - 1] = { ...step, ...more };
  }
}
