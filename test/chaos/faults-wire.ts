import { setTimeout as pause } from 'node:timers/promises';
import type { Fault, Night } from './fault.ts';
import type { Arrival, Scene } from './scene.ts';
import { until } from '../support/intake.ts';
import type { Day } from './day.ts';
import { EVERY_STEP } from './faults-worker.ts';

const ON_THE_WIRE = EVERY_STEP.filter((moment) => !moment.startsWith('log: '));

/** What happens between a worker and PostgreSQL. */
export const WIRE_FAULTS: readonly Fault[] = [
  {
    name: 'connection-cut',
    moments: ON_THE_WIRE,
    strike: async (_scene, _night, { held }) => held?.cut(),
  },
  {
    name: 'every-connection-reset',
    moments: EVERY_STEP,
    strike: async (scene) => scene.house.wire.reset(),
  },
  {
    name: 'black-hole',
    moments: EVERY_STEP,
    strike: async (scene, _night, { held }) => {
      scene.house.wire.goDark();
      void held?.release();
    },
    heal: async (scene, { chance }) => {
      await pause(chance.between(200, 3_500));
      scene.house.wire.mend();
    },
  },
  {
    name: 'dark-wire',
    moments: EVERY_STEP,
    strike: async (scene, { chance }, { held }) => {
      scene.house.wire.silence();
      const arrives = chance.isSo(50);
      if (arrives) void held?.release();
      return arrives ? 'its last message arrives' : 'its last message is lost';
    },
  },
  {
    name: 'slow-link',
    strike: async (scene, { chance }) => scene.house.wire.slow(chance.between(5, 40)),
    heal: async (scene) => {
      await pause(2_000);
      scene.house.wire.mend();
    },
  },
  {
    name: 'error-swallowed-before-commit',
    moments: ['LEDGER'],
    strike: async (scene, _night, { held }) => {
      void scene.house.wire.abort();
      await held?.release();
    },
  },
  {
    name: 'commit-held-and-delivered-after-take-over',
    moments: ['COMMIT'],
    strike: (scene, night, arrival) => takeOver(scene, night, arrival, false),
  },
  {
    name: 'frozen-before-commit-and-woken-after-take-over',
    moments: ['answer to LEDGER', 'COMMIT', 'COPY'],
    prepare: async (scene) => scene.callStandby(),
    strike: (scene, night, arrival) => takeOver(scene, night, arrival, true),
  },
];

/** The day is loaded by another attempt while this one stands still; then this one goes on, evicted or not. */
async function takeOver(
  scene: Scene,
  { day, later, chance }: Night,
  { held }: Arrival,
  freezes: boolean,
): Promise<string> {
  const isEvicted = chance.isSo(40);
  scene.tell({ order: 'eviction', isOn: isEvicted });
  const zombie = scene.worker;
  if (freezes) {
    zombie.signal('SIGSTOP');
    void held?.release();
    await scene.goOn();
    scene.tell({ order: 'eviction', isOn: isEvicted });
  }
  await day.put(later);
  const owner = await ownerOf(scene, day);
  const replay = scene.outlive(scene.house.replay(day.dataset, day.date, { takeOver: true }));
  const isEarly = chance.isSo(40);
  if (isEarly) await until(async () => (await ownerOf(scene, day)) !== owner, 60_000);
  else await replay.catch(() => undefined);
  if (freezes) zombie.signal('SIGCONT');
  const answer = freezes ? 'woken' : await held?.release();
  await replay.catch(() => undefined);
  if (freezes) await zombie.end('SIGTERM');
  scene.tell({ order: 'eviction', isOn: true });
  return `${isEvicted ? 'evicted' : 'not evicted'}, ${isEarly ? 'before' : 'after'} the other had loaded: ${answer}`;
}

async function ownerOf(scene: Scene, { dataset, date }: Day): Promise<string | undefined> {
  const [fence] = await scene.house.ask<{ owner: string }>(
    'select owner_run_id as owner from nighttrain.run_fence where dataset = $1 and business_date = $2',
    [dataset, date],
  );
  return fence?.owner;
}
