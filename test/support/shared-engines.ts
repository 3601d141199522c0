import { inject } from 'vitest';

/** One PostgreSQL and one Temporal for all houses. */
export interface SharedEngines {
  /** Of the superuser. */
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  /** Gone when the engines are. */
  readonly runFolder: string;
}

let ours: SharedEngines | undefined;

/** For houses outside a test run: these engines, which the caller has started. */
export function useEngines(engines: SharedEngines): void {
  ours = engines;
}

/** The engines of this test run, or those that were named. */
export function sharedEngines(): SharedEngines {
  return (
    ours ?? {
      databaseUrl: inject('databaseUrl'),
      temporalAddress: inject('temporalAddress'),
      runFolder: inject('runFolder'),
    }
  );
}
