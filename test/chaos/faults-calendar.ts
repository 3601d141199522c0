import type { WorkflowHandle } from '@temporalio/client';
import { addDays } from '../../rules/business-date.ts';
import { instantsOf } from '../../rules/local-time.ts';
import { insideChanges, type InsideChange } from '../../rules/overdue.ts';
import { dayOf, until } from '../support/intake.ts';
import { SCHEDULE_UNDER_FIRE } from './datasets.ts';
import type { Fault, Night } from './fault.ts';
import { EVERY_STEP } from './faults-worker.ts';
import type { Scene } from './scene.ts';

/** Every scene has fewer days under fire than there are years from here back in which the clock was changed. */
const LAST_YEAR = 2019;
const DAY_MS = 86_400_000;

const nightOfChange = (name: string, shown: InsideChange['shown']): Fault => ({
  name,
  datasets: ['fares'],
  moments: EVERY_STEP,
  date: (nth) => {
    const inChange = { ...SCHEDULE_UNDER_FIRE, at: '02:30', dueBy: '02:30' };
    const changes = insideChanges(inChange, dayOf(`${LAST_YEAR - nth}-01-01`), 366);
    const change = changes.find((one) => one.shown === shown);
    if (!change) throw new Error(`${LAST_YEAR - nth} has no such change`);
    return addDays(change.day, -1);
  },
  begin: fireNight,
  strike: async (scene, night, { held }) => {
    await fire(scene, night);
    await held?.release();
    return 'its slots are fired again';
  },
});

/** Nights that their schedule starts while the clock of its zone is changed. */
export const CALENDAR_FAULTS: readonly Fault[] = [
  nightOfChange('night-of-the-spring-change', 'never'),
  nightOfChange('night-of-the-autumn-change', 'twice'),
];

/** Fires all slots that Temporal has in the hours about the night: one, however the clock is changed. */
async function fire({ house }: Scene, { day }: Night): Promise<void> {
  const { at, timeZone } = SCHEDULE_UNDER_FIRE;
  const [slot = NaN] = instantsOf(addDays(dayOf(day.date), 1), at, timeZone);
  const handle = house.client.schedule.getHandle(`nighttrain/${day.dataset}`);
  const [start, end] = [-1, 1].map((side) => new Date(slot + (side * DAY_MS) / 3)) as [Date, Date];
  await handle.backfill({ start, end, overlap: 'ALLOW_ALL' });
}

async function fireNight(scene: Scene, night: Night): Promise<WorkflowHandle> {
  await fire(scene, night);
  const load = scene.house.load(night.day.dataset, night.day.date);
  const isThere = () => load.describe().then(Boolean, () => false);
  await until(isThere, 20_000);
  return load;
}
