import type { LandingStore } from './landing.ts';
import type { SortThreads } from './sort-threads.ts';

/** What every step of the intake is handed. */
export interface IntakeContext {
  readonly landing: LandingStore;
  /** The folder that CSV sources read (`NIGHTTRAIN_INBOX`). */
  readonly inbox: string;
  /** A variable of the environment, for base URLs and tokens. */
  readonly env: (name: string) => string | undefined;
  /** Aborted when the attempt must stop; every await of the intake gives way to it. */
  readonly signal: AbortSignal;
  /** Told at least every second while work goes on; becomes the activity's heartbeat. */
  readonly progress: (progress: Progress) => void;
  /** Where large files are sorted; here where there are none. */
  readonly threads?: SortThreads;
}

/** How far a step has come. */
export interface Progress {
  readonly rows: number;
  readonly bytes: number;
  /** Since it began. */
  readonly rowsPerSecond: number;
  /** By the bytes that are left; undefined where nobody knows how many there are. */
  readonly secondsLeft?: number;
}
