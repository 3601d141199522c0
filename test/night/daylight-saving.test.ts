import { msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { expect, test } from 'vitest';
import { addDays, businessDateOfNight, daysBetween, type BusinessDate } from '../../rules/business-date.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { datesDue, dueAt } from '../../rules/overdue.ts';
import { clients, fares, prices, tickets } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { shareHouse } from '../support/house.ts';
import { dayOf, until } from '../support/intake.ts';

/*
 * Temporal's own schedule says which slots a span of days has, by its own time zone data, and starts their nights
 * (`backfill`): as it does on the night itself, but for the waiting. An outage over a change is in outage.test.ts.
 */

const scheduleIn = (timeZone: string) =>
  ({ at: '03:30', dueBy: '06:00', timeZone, cadence: 'daily', after: [] }) as const;

const inParis: Dataset = { ...fares, schedule: scheduleIn('Europe/Paris') };
const inNewYork: Dataset = { ...tickets, schedule: scheduleIn('America/New_York') };
const inSydney: Dataset = { ...clients, schedule: scheduleIn('Australia/Sydney') };
/** Whose clock changes by half an hour. */
const onLordHowe: Dataset = { ...prices, schedule: scheduleIn('Australia/Lord_Howe') };

const house = shareHouse({ datasets: [inParis, inNewYork, inSydney, onLordHowe] });

/** The slots that Temporal has for a schedule in a year. */
async function slotsOf({ name }: Dataset, year: number): Promise<string[]> {
  const { client } = house();
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace: client.options.namespace,
    scheduleId: `nighttrain/${name}`,
    startTime: msToTs(Date.UTC(year, 0)),
    endTime: msToTs(Date.UTC(year + 1, 0) - 1_000), // it would be of the next year too
  });
  return startTime.map((slot) => new Date(tsToMs(slot)).toISOString());
}

test.each([inParis, inNewYork, inSydney, onLordHowe])(
  'R12: $schedule.timeZone has one slot for each day of six years, which stands for the day before',
  async (dataset) => {
    const { timeZone = '' } = dataset.schedule ?? {};
    const dates: BusinessDate[] = [];
    for (let year = 2024; year < 2030; year++) {
      for (const slot of await slotsOf(dataset, year))
        dates.push(businessDateOfNight(slot, 'daily', timeZone));
    }
    const first = dates[0] ?? dayOf('');
    expect(dates).toEqual(daysBetween(first, addDays(first, DAYS_OF_SIX_YEARS - 1)));
  },
);

const DAYS_OF_SIX_YEARS = 6 * 365 + 2;

/** A source's file that any day can have. */
const LINES: Readonly<Record<string, (day: string) => string[]>> = {
  fares: (day) => fareLines(day, { good: 3 }),
  tickets: () => ['ticket,changed,state', '1,1,sold'],
  clients: () => ['id,name,city', '1,Ann,Sydney'],
};

test.each([
  { dataset: inParis, change: 'spring', from: '2024-03-29', to: '2024-04-01' },
  { dataset: inParis, change: 'autumn', from: '2024-10-25', to: '2024-10-28' },
  { dataset: inNewYork, change: 'spring', from: '2024-03-08', to: '2024-03-11' },
  { dataset: inNewYork, change: 'autumn', from: '2024-11-01', to: '2024-11-04' },
  { dataset: inSydney, change: 'autumn', from: '2024-04-05', to: '2024-04-08' },
  { dataset: inSydney, change: 'spring', from: '2024-10-04', to: '2024-10-07' },
])(
  'R12: $dataset.schedule.timeZone loads each date once, as its own, over the change in $change',
  async ({ dataset: { name, schedule }, from, to }) => {
    if (!schedule) throw new Error('it has one');
    const dates = daysBetween(dayOf(from), dayOf(to));
    for (const day of dates) await house().put(name, `${day}.csv`, LINES[name]?.(day) ?? []);
    const end = dueAt(schedule, dayOf(to));
    await house()
      .client.schedule.getHandle(`nighttrain/${name}`)
      .backfill({
        start: new Date(dueAt(schedule, addDays(dayOf(from), -1))),
        end: new Date(end),
        overlap: 'ALLOW_ALL',
      });
    const ledger = () =>
      house().ask(
        `select b.business_date as date, count(*)::int as batches, min(a.kind) as kind, count(a)::int as attempts
         from nighttrain.load_batch b left join nighttrain.attempt a using (dataset, business_date)
         where b.dataset = $1 and b.business_date between $2 and $3 group by 1 order by 1`,
        [name, from, to],
      );
    await until(async () => (await ledger()).length >= dates.length, 30_000);
    await until(async () => (await runningNights()) === 0, 30_000);
    expect(await ledger()).toEqual(dates.map((date) => ({ date, batches: 1, kind: 'nightly', attempts: 1 })));
    expect(datesDue(schedule, dayOf(from), end)).toEqual(dates.toReversed()); // what the sweep would look for
    expect(datesDue(schedule, dayOf(from), end - 1)).toEqual(dates.toReversed().slice(1));
  },
);

async function runningNights(): Promise<number> {
  const query = `WorkflowType = 'nightly' and ExecutionStatus = 'Running'`;
  return (await house().client.workflow.count(query)).count;
}
