/** Row counts of a dataset day (§1). Each is counted where it happens, never derived from the others (R4). */
export interface Counts {
  /** Records that the landed parts held. */
  readonly read: number;
  /** Rows of the COPY that was published; under `merge` inserted + updated + unchanged. */
  readonly loaded: number;
  /** Rows that cannot be trusted; they are in quarantine. */
  readonly rejected: number;
  /** Rows correctly not for us: another day, a test row, older than what we have. */
  readonly discarded: number;
  /** Identical copies of a row that was loaded. */
  readonly deduplicated: number;
}

/** Whether every row that was read is accounted for (R4). */
export function isConserved({ read, loaded, rejected, discarded, deduplicated }: Counts): boolean {
  return read === loaded + rejected + discarded + deduplicated;
}

/** Adds up how often each rule struck, over several parts. */
export function addByRule(tallies: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const tally of tallies) {
    for (const [rule, rows] of Object.entries(tally)) total[rule] = (total[rule] ?? 0) + rows;
  }
  return total;
}
