import type { Schedule } from '../../rules/dataset.ts';
import type { Dataset } from '../../rules/kit.ts';
import { DEFAULT_STEPS, type StepPolicy } from '../../rules/plan.ts';
import { TEST_DATASETS } from '../support/datasets.ts';

/** Falls silent, gives up and tries again within seconds, so that a night under fire is over soon. */
const impatient: Partial<StepPolicy> = {
  timeoutMs: 8_000,
  heartbeatMs: 2_500,
  tries: 6,
  firstRetryMs: 100,
  longestRetryMs: 500,
};

const steps = {
  extract: { ...DEFAULT_STEPS.extract, ...impatient },
  transform: { ...DEFAULT_STEPS.transform, ...impatient },
  load: { ...DEFAULT_STEPS.load, ...impatient },
};

/** Of fares alone: in a zone whose clock is changed, and out of its changes. */
export const SCHEDULE_UNDER_FIRE: Schedule = {
  at: '03:30',
  dueBy: '06:00',
  timeZone: 'Europe/Paris',
  cadence: 'daily',
  after: [],
};

/** The datasets of the tests, as the nights under fire load them. */
export const CHAOS_DATASETS: readonly Dataset[] = TEST_DATASETS.map((dataset) => ({
  ...dataset,
  steps,
  ...(dataset.name === 'fares' && { schedule: SCHEDULE_UNDER_FIRE }),
}));
