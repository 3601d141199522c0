import { warehouseError } from '../warehouse/failure.ts';
import { endAlertOf } from '../rules/end-alert.ts';
import type { Deps } from './deps.ts';
import { engineError } from './engine-error.ts';
import { factsOf } from './failure.ts';
import { inTurn } from './in-turn.ts';
import { runStep } from './step.ts';
import { closeAbandoned } from './sweep-attempts.ts';
import { putEnginesRight } from './sweep-engines.ts';
import { startDueEscalations } from './sweep-escalations.ts';
import { settleDeliveries } from './sweep-deliveries.ts';
import { reportGuards } from './sweep-guards.ts';
import { settleIncidents } from './sweep-incidents.ts';
import { reportMissingNights } from './sweep-nights.ts';
import { endZombies } from './sweep-sessions.ts';
import { expireStorage, type Expired } from './sweep-storage.ts';

/** Each answers how much there was to do: nothing on a quiet minute. */
const DUTIES = {
  escalationsStarted: startDueEscalations,
  attemptsClosed: (deps: Deps) => closeAbandoned(deps),
  zombiesEnded: endZombies,
  nightsReported: reportMissingNights,
  guardsReported: reportGuards,
  enginesReported: putEnginesRight,
  // Last: providers that do not answer hold up nothing of ours.
  incidentsSettled: settleIncidents,
  deliveriesSettled: settleDeliveries,
};
type Duty = keyof typeof DUTIES;

/** What one sweep did. */
export type Swept = Readonly<Record<Duty, number>>;

/** Puts right or reports, once, whatever no workflow is left to see to (R12, R13). */
export const createSweepNights = (deps: Deps) =>
  async function sweepNights(): Promise<Swept> {
    return runStep(deps.log, async ({ log }) => {
      const here = { ...deps, log };
      const { alarm } = here;
      try {
        await alarm.drainSpool();
        await alarm.resolve(WAREHOUSE_DOWN, 'PostgreSQL answers');
        const swept: Partial<Record<Duty, number>> = {};
        const duties = Object.entries(DUTIES) as [Duty, (deps: Deps) => Promise<number>][];
        await inTurn(duties, async ([name, duty]) => (swept[name] = await duty(here)), log);
        await alarm.resolveWhatIsOver();
        return swept as Swept;
      } catch (error) {
        const failure = engineError(error, 'The sweep could not be finished');
        if (endAlertOf('failed', factsOf(failure)) === WAREHOUSE_DOWN.rule) {
          await alarm.raise({ ...WAREHOUSE_DOWN, sentence: failure.message });
        }
        throw failure;
      }
    });
  };

/** Of the installation itself; that of a night has the night's dataset and date. */
const WAREHOUSE_DOWN = { rule: 'warehouse-down', dataset: null, businessDate: null } as const;

/** Gives back what retention no longer wants (R19). */
export const createSweepStorage = (deps: Deps) =>
  async function sweepStorage(): Promise<Expired> {
    return runStep(deps.log, async ({ log }) => {
      try {
        return await expireStorage({ ...deps, log });
      } catch (error) {
        throw warehouseError(error, 'Storage could not be given back');
      }
    });
  };
