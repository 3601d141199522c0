import { isPastSaving, mayBePastSaving, type Judged } from '../rules/reject-limit.ts';
import type { Unread } from './unread.ts';

/** Whether a day can still be loaded, by what is known of it so far (R2). */
export class Prospect {
  /** Records at most that were unread when it was past saving; 0 as long as it is not. */
  unread = 0;
  readonly #limitPercent: number;
  readonly #unread: Unread;
  #before: Judged = { read: 0, rejected: 0, discarded: 0 };

  constructor(limitPercent: number, unread: Unread) {
    this.#limitPercent = limitPercent;
    this.#unread = unread;
  }

  /** A part that was read to its end. */
  add(part: Judged): void {
    this.#before = sumOf(this.#before, part);
  }

  /** Whether reading on is in vain. @param figures of the part that is being read */
  async isLost(part: number, figures: Judged): Promise<boolean> {
    const soFar = sumOf(this.#before, figures);
    if (!mayBePastSaving(soFar, this.#limitPercent)) return false;
    const unread = await this.#unread.atMost(part, figures.read);
    if (unread === undefined || !isPastSaving(soFar, unread, this.#limitPercent)) return false;
    this.unread = unread;
    return unread > 0;
  }
}

function sumOf(one: Judged, other: Judged): Judged {
  return {
    read: one.read + other.read,
    rejected: one.rejected + other.rejected,
    discarded: one.discarded + other.discarded,
  };
}
