import type { Logger } from 'pino';
import { happened } from '../channels/unanswered.ts';

const EVERY_MS = 60_000;
/** By then the look that goes on beside it is over, too. */
const LONGEST_CALL_MS = 10_000;

/** Calls a URL every minute, so that somebody else notices our own silence. The URL is a secret: no line shows it. */
export class DeadMan {
  /** When it was last taken, milliseconds since the epoch. */
  takenAt: number | undefined;
  readonly #url: string;
  readonly #log: Logger;
  #calledAt = -Infinity;

  constructor(url: string, log: Logger) {
    this.#url = url;
    this.#log = log;
  }

  /** Calls where a minute has passed. Never throws: who listens there notices. @param now milliseconds since the epoch */
  async beat(now: number): Promise<void> {
    if (now - this.#calledAt < EVERY_MS) return;
    this.#calledAt = now;
    try {
      const answer = await fetch(this.#url, {
        signal: AbortSignal.timeout(LONGEST_CALL_MS),
        redirect: 'error',
      });
      await answer.body?.cancel();
      if (answer.ok) this.takenAt = now;
      else this.#log.error({ status: answer.status }, 'the dead-man URL does not take our call');
    } catch (error) {
      const { name, cause } = error as Error;
      const { code } = (cause ?? {}) as { readonly code?: unknown };
      this.#log.error(`the dead-man URL ${happened(code, name === 'TimeoutError')}`);
    }
  }
}
