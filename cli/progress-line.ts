/** How often what moves is painted. */
const EVERY_MS = 200;
const CLEAR = '\r\x1b[K';

/** One line on stderr that tells how far it has come; without a terminal, only its last words. */
export class ProgressLine implements Disposable {
  #paintedAt = 0;

  show(text: string): void {
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.#paintedAt < EVERY_MS) return;
    this.#paintedAt = now;
    process.stderr.write(CLEAR + text.slice(-(process.stderr.columns - 1)));
  }

  /** The last words, which stay. */
  end(text: string): void {
    this[Symbol.dispose]();
    process.stderr.write(`${text}\n`);
  }

  /** Whatever comes next begins on a line of its own. */
  [Symbol.dispose](): void {
    if (this.#paintedAt > 0) process.stderr.write(CLEAR);
    this.#paintedAt = 0;
  }
}
