import type { AttemptState } from './attempt.ts';

/** What `status` says of a dataset day (§6). */
export type DayState = AttemptState | 'waiting' | 'missing';

/** What is known of a day. */
export interface DayFacts {
  /** The ledger has a version of it that readers see. */
  readonly isPublished: boolean;
  /** Of the attempt with the greatest epoch; undefined where none was ever made. */
  readonly latest: AttemptState | undefined;
  /** A night of it waits for what it comes after. */
  readonly isWaiting: boolean;
}

/**
 * The one state of a day. A day that the ledger has is loaded, even if a later replay failed; what goes on now comes
 * before what has been.
 */
export function dayState({ isPublished, latest, isWaiting }: DayFacts): DayState {
  if (latest === 'running') return 'running';
  if (isPublished) return 'loaded';
  if (isWaiting) return 'waiting';
  return latest ?? 'missing';
}
