import { ScheduleOverlapPolicy, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { waitFor } from '../local/wait.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { datesFrom, loadLookups, putFlights, readFlightSample } from './flights.ts';
import type { BenchHouse } from './house.ts';
import { median } from './report.ts';

/** How long a night of 1,000 rows takes on a warm worker: medians, in milliseconds. */
export interface SmallNightFigures {
  readonly rows: number;
  readonly nights: number;
  /** Of the load alone: from the request to the receipt in our hands. */
  readonly loadMs: number;
  /** As the schedule has it: from the start of `nightly` to its end with the receipt, by Temporal's clock. */
  readonly nightlyMs: number;
}

const ROWS = 1_000;
const FIRST_DAY = '2012-01-01';
/** Nights of each kind before those that count: a module that is met for the first time is compiled then. */
const WARM_UP = 5;
const LONGEST_NIGHT_MS = 60_000;

/**
 * Loads small nights one after the other, by request and by schedule in turn.
 * @param nights of each kind that count
 */
export async function measureSmallNight(house: BenchHouse, nights = 9): Promise<SmallNightFigures> {
  await loadLookups(house);
  const sample = await readFlightSample();
  const records = sample.days.flat().slice(0, ROWS).map(withOwnNumber);
  const loads: number[] = [];
  const nightlies: number[] = [];
  const dates = datesFrom(FIRST_DAY, 2 * (WARM_UP + nights));
  for (const date of dates) await putFlights(house, date, sample, records);
  for (const [index, businessDate] of dates.entries()) {
    if (index % 2 === 1) nightlies.push(await nightlyMs(house.engines.client, businessDate));
    else loads.push((await house.load({ dataset: 'flights', businessDate })).ms);
  }
  return {
    rows: ROWS,
    nights,
    loadMs: median(loads.slice(WARM_UP)),
    nightlyMs: median(nightlies.slice(WARM_UP)),
  };
}

/** Flights of two real days share keys unless each has a number of its own. */
function withOwnNumber(record: string, index: number): string {
  const cells = record.split(',');
  cells[7] = String(index + 1);
  return cells.join(',');
}

/** Has the schedule start the night of a slot that is past. */
async function nightlyMs(client: Client, date: BusinessDate): Promise<number> {
  const slot = Date.parse(`${date}T02:00:00Z`) + 86_400_000;
  await client.schedule.getHandle('nighttrain/flights').backfill({
    start: new Date(slot - 1_000),
    end: new Date(slot + 1_000),
    overlap: ScheduleOverlapPolicy.ALLOW_ALL,
  });
  const workflowId = `nightly/flights-${new Date(slot).toISOString().slice(0, 19)}Z`;
  const handle = client.workflow.getHandle(workflowId);
  const ended = async () => {
    try {
      const { status, startTime, closeTime } = await handle.describe();
      if (!closeTime) return undefined;
      if (status.name !== 'COMPLETED') throw new Error(`${workflowId} ended ${status.name}`);
      return closeTime.getTime() - startTime.getTime();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined; // the schedule has not come to it yet
      throw error;
    }
  };
  const took = await waitFor(ended, { withinMs: LONGEST_NIGHT_MS, everyMs: 50 });
  if (took === undefined) throw new Error(`${workflowId} did not end`);
  return took;
}
