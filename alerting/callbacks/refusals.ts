const WINDOW_MS = 60_000;
const MOST_REFUSED = 30;
const MOST_CALLERS = 1_000;

/** Who was refused how often within the last minute: a flood is told so, and fills no log (R14). */
export class Refusals {
  readonly #since = new Map<string, { count: number; readonly until: number }>();

  /** Whether a caller has been refused too often. */
  isFlood(caller: string, now = performance.now()): boolean {
    const seen = this.#since.get(caller);
    return seen !== undefined && seen.until > now && seen.count >= MOST_REFUSED;
  }

  count(caller: string, now = performance.now()): void {
    const seen = this.#since.get(caller);
    if (seen && seen.until > now) seen.count += 1;
    else {
      this.#since.delete(caller);
      // The oldest makes room: what is remembered of strangers is bounded.
      const [oldest] = this.#since.keys();
      if (this.#since.size >= MOST_CALLERS && oldest !== undefined) this.#since.delete(oldest);
      this.#since.set(caller, { count: 1, until: now + WINDOW_MS });
    }
  }
}
