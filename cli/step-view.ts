import type { StepProgress } from '../workflows/messages.ts';
import { count, plural, size } from './figures.ts';
import type { LoadLook, Retry } from './load-look.ts';
import type { Output } from './output.ts';

/** Shows how a load gets on. */
export interface StepView {
  show(look: LoadLook): void;
  /** The load is over; nothing is shown after this has settled. */
  end(isLoaded: boolean): Promise<void>;
}

const PACE_MS = 10_000;

/** One line for every step that is done, for every retry, and now and then for a step that takes its time. */
export class LineView implements StepView {
  readonly #output: Output;
  #paceShownAt = performance.now();
  #shown = 0;
  readonly #retries = new Set<string>();

  constructor(output: Output) {
    this.#output = output;
  }

  show(look: LoadLook): void {
    const { steps = [], retries } = look;
    const running = steps.find(({ state }) => state === 'running');
    if (running && performance.now() - this.#paceShownAt > PACE_MS) {
      this.#paceShownAt = performance.now();
      this.#output.note(`${running.name.padEnd(9)} … ${paceOf(running, look)}`);
    }
    for (const step of steps.slice(this.#shown)) {
      if (step.state !== 'done') break;
      this.#shown += 1;
      this.#output.note(`${step.name.padEnd(9)} ${figuresOf(step)}`.trimEnd());
    }
    for (const retry of retries) {
      const seen = `${retry.step} ${retry.attempt}`;
      if (!this.#retries.has(seen)) this.#output.note(retrySentence(retry));
      this.#retries.add(seen);
    }
  }

  async end(): Promise<void> {
    // Every line is written already.
  }
}

/** What a step has come to. */
export function figuresOf({ of, rows, bytes, name }: StepProgress): string {
  const words = [];
  if (name === 'transform') words.push(plural(of, 'part'));
  if (rows !== undefined) words.push(plural(rows, 'row'));
  if (bytes !== undefined) words.push(size(bytes));
  return words.join(', ');
}

/** How far a running step has come, how fast it goes, and how long it will still take. */
export function paceOf({ of, done, rows: before }: StepProgress, look: LoadLook): string {
  const words = [];
  if (of > 1) words.push(`${done} of ${plural(of, 'part')}`);
  const rows = (before ?? 0) + look.rows;
  if (rows > 0) words.push(`${plural(rows, 'row')}, ${count(look.rowsPerSecond)} a second`);
  if (look.bytes > 0) words.push(size(look.bytes));
  // At 0 the rows are through, and what comes after them says nothing of itself.
  if (look.secondsLeft) words.push(`about ${plural(look.secondsLeft, 'second')} left`);
  return words.join('; ');
}

/** A retry as a line. */
export function retrySentence({ step, attempt, tries, problem, nextTryAt }: Retry): string {
  const bound = tries > 0 ? ` of ${tries}` : '';
  const when = nextTryAt ? `comes at ${nextTryAt.toISOString().slice(11, 19)} UTC` : 'runs';
  return `${step} failed: ${problem.split('\n')[0]}; try ${attempt}${bound} ${when}`;
}
