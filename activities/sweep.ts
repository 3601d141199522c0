import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import { runStep } from './step.ts';
import { closeAbandoned } from './sweep-attempts.ts';
import { putEnginesRight } from './sweep-engines.ts';
import { reportMissingNights } from './sweep-nights.ts';
import { endZombies } from './sweep-sessions.ts';
import { expireStorage } from './sweep-storage.ts';

/** What one sweep did; all zero on a quiet minute. */
export interface Swept {
  readonly attemptsClosed: number;
  readonly zombiesEnded: number;
  readonly nightsReported: number;
  readonly enginesReported: number;
}

/** Puts right or reports, once, whatever no workflow is left to see to (R12, R13). */
export const createSweepNights = (deps: Deps) =>
  async function sweepNights(): Promise<Swept> {
    return runStep(deps.log, async ({ log }) => {
      const here = { ...deps, log };
      try {
        return {
          attemptsClosed: await closeAbandoned(here),
          zombiesEnded: await endZombies(here),
          nightsReported: await reportMissingNights(here),
          enginesReported: await putEnginesRight(here),
        };
      } catch (error) {
        throw warehouseError(error, 'The sweep could not be finished');
      }
    });
  };

/** Gives back what retention no longer wants (R19). */
export const createSweepStorage = (deps: Deps) =>
  async function sweepStorage(): Promise<number> {
    return runStep(deps.log, async ({ log }) => {
      try {
        return await expireStorage({ ...deps, log });
      } catch (error) {
        throw warehouseError(error, 'Storage could not be given back');
      }
    });
  };
