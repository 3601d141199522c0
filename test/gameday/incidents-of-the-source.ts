import { fareLines } from '../support/fares.ts';
import type { Incident, Trouble } from './incident.ts';
import type { Stage } from './stage.ts';

const FILE = (date: string) => `${date}.csv`;

/** What comes, or does not come, from outside. */
export const INCIDENTS_OF_THE_SOURCE: readonly Incident[] = [
  {
    runbook: 'reject-limit-exceeded',
    cause: async (stage, date) => {
      await stage.house.put('fares', FILE(date), fareLines(date, { good: 69, bad: 31 }));
      return failed(stage, 'fares', date, 'reject-limit-exceeded');
    },
    heal: ({ house }, { date }) => house.put('fares', FILE(date), fareLines(date, { good: 100 })),
  },
  {
    // Refunds are fares like any other: the rule is wrong, the rows are right.
    runbook: 'quarantine-release',
    cause: async (stage, date) => {
      const refunds = Array.from({ length: 31 }, (_, index) => `${date},${1000 + index},-100,`);
      await stage.house.put('fares', FILE(date), [...fareLines(date, { good: 69 }), ...refunds]);
      return failed(stage, 'fares', date, 'reject-limit-exceeded');
    },
    heal: (stage) => stage.mend('fares', { amount: `kit.integer().orReject('no-amount')` }),
  },
  {
    runbook: 'empty-source',
    cause: async (stage, date) => {
      await stage.house.put('fares', FILE(date), fareLines(date, { otherDay: 50 }));
      return failed(stage, 'fares', date, 'empty-source');
    },
    heal: ({ house }, { date }) => house.put('fares', FILE(date), fareLines(date, { good: 50 })),
  },
  {
    runbook: 'source-down',
    cause: async (stage, date) => {
      await stage.source({ faults: [{ fault: 'status', status: 503, path: '/v1/stations' }] });
      return failed(stage, 'stations', date, 'source-down');
    },
    heal: (stage) => stage.source(),
  },
  {
    runbook: 'source-contract-broken',
    cause: async (stage, date) => {
      const fault = { fault: 'missing-property', property: 'name', path: '/v1/stations' };
      await stage.source({ faults: [fault] });
      return failed(stage, 'stations', date, 'source-contract-broken');
    },
    heal: (stage) => stage.source(),
  },
];

/** A night that must not load. */
export async function failed(
  stage: Stage,
  dataset: string,
  date: string,
  alert: NonNullable<Trouble['alert']>,
): Promise<Trouble> {
  const at = Date.now();
  const { state } = await stage.load(dataset, date);
  if (state === 'loaded')
    throw new Error(`${dataset} of ${date} was loaded: the incident did not come about`);
  return { dataset, date, alert, at };
}
