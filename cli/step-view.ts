import type { StepProgress } from '../workflows/messages.ts';
import { plural, size } from './figures.ts';
import type { LoadLook, Retry } from './load-look.ts';
import type { Output } from './output.ts';

/** Shows how a load gets on. */
export interface StepView {
  show(look: LoadLook): void;
  /** The load is over; nothing is shown after this has settled. */
  end(isLoaded: boolean): Promise<void>;
}

/** One line for every step that is done, and for every retry. */
export class LineView implements StepView {
  readonly #output: Output;
  #shown = 0;
  readonly #retries = new Set<string>();

  constructor(output: Output) {
    this.#output = output;
  }

  show({ steps = [], retries }: LoadLook): void {
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

/** A retry as a line. */
export function retrySentence({ step, attempt, tries, problem, nextTryAt }: Retry): string {
  const bound = tries > 0 ? ` of ${tries}` : '';
  const when = nextTryAt ? `comes at ${nextTryAt.toISOString().slice(11, 19)} UTC` : 'runs';
  return `${step} failed: ${problem.split('\n')[0]}; try ${attempt}${bound} ${when}`;
}
