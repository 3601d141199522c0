/** What is known after a load transaction came to its end, one way or another. */
export interface KnownOfCommit {
  /** What COMMIT was answered: nothing where the connection died, also when it may never have been sent. */
  readonly answer: 'confirmed' | 'error' | 'nothing';
  /** The backend that ran the transaction. */
  readonly backend: 'gone' | 'alive';
  /** What the ledger has of this load, read in a new transaction. */
  readonly batch: 'present' | 'absent';
}

/**
 * - `loaded`: the batch is in the ledger, whatever was answered (R8).
 * - `lost`: COMMIT was confirmed, and the ledger has nothing: it had been aborted before, and rolled back (R7).
 * - `not loaded`: nothing was written; a new epoch may try again.
 * - `in doubt`: the old backend may still commit; absence proves nothing while it lives (R8).
 */
export type CommitVerdict = 'loaded' | 'lost' | 'not loaded' | 'in doubt';

/** What to believe of a COMMIT (R7, R8). */
export function judgeCommit({ answer, backend, batch }: KnownOfCommit): CommitVerdict {
  if (batch === 'present') return 'loaded';
  if (answer === 'confirmed') return 'lost';
  return backend === 'gone' ? 'not loaded' : 'in doubt';
}
