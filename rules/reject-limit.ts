import type { Counts } from './counts.ts';

/** The share of rejected rows, in percent, past which a night is refused unless its dataset says otherwise (R2). */
export const DEFAULT_REJECT_LIMIT_PERCENT = 30;

/** Whether a night is too bad to load (R2). Counts are rows; `limitPercent` is a whole number from 0 to 100. */
export function exceedsRejectLimit(
  { read, discarded, rejected }: Pick<Counts, 'read' | 'discarded' | 'rejected'>,
  limitPercent: number,
): boolean {
  return rejected * 100 > limitPercent * (read - discarded);
}

/** Whether a night has nothing for us in it (R3). */
export function isEmptySource({ read, discarded }: Pick<Counts, 'read' | 'discarded'>): boolean {
  return read - discarded === 0;
}
