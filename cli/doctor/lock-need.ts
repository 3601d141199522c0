/** What a server has, and what its largest partitioned table is like. */
export interface LockNeed {
  /** max_locks_per_transaction. */
  readonly perTransaction: number;
  /** max_connections + max_prepared_transactions: the lock table has so many times `perTransaction` places. */
  readonly sessions: number;
  /** Tables that it is in: days, and months that were folded. */
  readonly partitions: number;
  /** Days after which a day is folded. */
  readonly foldAfter: number;
  /** A partition and its indexes. */
  readonly locksAPartition: number;
}

/** Sessions that read the largest table without a date at once; where 40 did over 365 days, the default ran out (§5). */
const READERS = 40;

/**
 * The `max_locks_per_transaction` that lets so many readers lock every partition at once: all sessions share one table
 * of that many locks each.
 */
export function locksNeeded({ sessions, partitions, foldAfter, locksAPartition }: LockNeed): {
  now: number;
  inAYear: number;
} {
  const needed = (days: number) =>
    Math.ceil((READERS * (days + 1) * locksAPartition) / Math.max(1, sessions));
  // What is a day in a year is not older than `foldAfter` and its month; all before are months, twelve of them new.
  const more = Math.min(365, foldAfter + 31 + 12);
  return { now: needed(partitions), inAYear: needed(partitions + more) };
}
