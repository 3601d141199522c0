import { randomUUID } from 'node:crypto';
import type { Fault, Night } from './fault.ts';
import { EVERY_STEP } from './faults-worker.ts';
import type { Scene } from './scene.ts';

/** What people do, several of them at once. */
export const OPERATOR_FAULTS: readonly Fault[] = [
  {
    name: 'second-nightly',
    moments: EVERY_STEP,
    strike: async (scene, { day }, { held }) => {
      const second = await scene.house.start(day.dataset, day.date, 'nightly').then(
        () => 'it was let in',
        () => 'it was told that the day is taken',
      );
      await held?.release();
      return second;
    },
  },
  {
    name: 'replay-races-nightly',
    moments: EVERY_STEP,
    strike: async (scene, night, { held }) => {
      const takeOver = night.chance.isSo(50);
      await askForReplay(scene, night, takeOver);
      await held?.release();
      return takeOver ? 'with a take-over' : 'without one';
    },
  },
  {
    name: 'cancelled',
    moments: EVERY_STEP,
    strike: async (scene, { day }, { held }) => {
      await scene.house.load(day.dataset, day.date).cancel();
      await held?.release();
    },
  },
  {
    name: 'terminated',
    moments: EVERY_STEP,
    strike: async (scene, { day }, { held }) => {
      await scene.house.load(day.dataset, day.date).terminate('the fire');
      await held?.release();
    },
  },
];

async function askForReplay({ house }: Scene, { day }: Night, takeOver: boolean): Promise<void> {
  const requestId = randomUUID();
  await house.signal('replayDay', house.replayPayload(day.dataset, day.date, { requestId, takeOver }));
}
