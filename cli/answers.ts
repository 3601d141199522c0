import { createInterface, type Interface } from 'node:readline';

/** What a person answers, line by line. Ctrl-C stays a signal: readline is given no terminal to take it from. */
export class Answers implements Disposable {
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #aborted: Promise<undefined>;
  /** Nobody is there to answer: the input is at its end. */
  hasEnded = false;

  constructor(signal: AbortSignal) {
    this.#reader = createInterface({ input: process.stdin });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    this.#aborted = new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
  }

  /** Anything but y or yes is a no; so is the end of the input. */
  async isYes(question: string): Promise<boolean> {
    process.stderr.write(`${question} [y/N] `);
    const answer = await Promise.race([this.#lines.next(), this.#aborted]);
    if (answer?.done) this.hasEnded = true;
    return !answer?.done && /^(y|yes)$/i.test(answer?.value.trim() ?? '');
  }

  [Symbol.dispose](): void {
    this.#reader.close();
    process.stdin.pause();
  }
}
