/** All kinds of damage, in the order in which they take turns. */
export const KINDS = [
  'wrong-type',
  'unknown-code',
  'missing-field',
  'identical-duplicate',
  'bad-encoding',
  'missing-value',
  'broken-quote',
  'different-duplicate',
  'impossible-value',
  'extra-field',
] as const;

export type Kind = (typeof KINDS)[number];

/** Cells that a column of the dataset rejects. */
export interface CellFlaw {
  readonly kind: Kind;
  readonly column: string;
  /** The rule that rejects the row, as quarantine names it. */
  readonly rule: string;
  /** As the file has them: quoted where they must be. A character for each byte where `latin1` says so. */
  readonly cells: readonly string[];
  readonly latin1?: boolean;
}

/** What a night makes of the damage, for a test to hold the night against. */
export interface Tally {
  /** Rows that were written otherwise than sound. */
  damaged: number;
  readonly kinds: Record<string, number>;
  /**
   * Rows rejected once all is loaded. Only the warehouse finds `ambiguous-key` (both rows that contradict each other)
   * and `unknown-reference`.
   */
  readonly rejectedByRule: Record<string, number>;
  /** Identical copies. */
  deduplicated: number;
}

export const soundTally = (): Tally => ({ damaged: 0, kinds: {}, rejectedByRule: {}, deduplicated: 0 });
