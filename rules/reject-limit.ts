import type { Counts } from './counts.ts';

/** The share of rejected rows, in percent, past which a night is refused unless its dataset says otherwise (R2). */
export const DEFAULT_REJECT_LIMIT_PERCENT = 30;

/** What a night is judged by. */
export type Judged = Pick<Counts, 'read' | 'discarded' | 'rejected'>;

/** Whether a night is too bad to load (R2). Counts are rows; `limitPercent` is a whole number from 0 to 100. */
export function exceedsRejectLimit({ read, discarded, rejected }: Judged, limitPercent: number): boolean {
  return rejected * 100 > limitPercent * (read - discarded);
}

/**
 * From so many rejected rows on it is worth to find out how many records are unread: the first ones in quarantine say
 * by then what is wrong, and up to there reading on costs next to nothing.
 */
const MANY_REJECTED = 100_000;

/** Whether a night that is not read to its end looks so bad that it should be asked what is left of it. */
export function mayBePastSaving(soFar: Judged, limitPercent: number): boolean {
  return soFar.rejected > MANY_REJECTED && exceedsRejectLimit(soFar, limitPercent);
}

/**
 * Whether a night is too bad whatever is still to be read of it, also where all of that is sound (R2): what is rejected
 * or discarded later only makes it truer.
 * @param unread records, at most
 */
export function isPastSaving(soFar: Judged, unread: number, limitPercent: number): boolean {
  return exceedsRejectLimit({ ...soFar, read: soFar.read + unread }, limitPercent);
}

/** Whether a night has nothing for us in it (R3). */
export function isEmptySource({ read, discarded }: Pick<Judged, 'read' | 'discarded'>): boolean {
  return read - discarded === 0;
}
