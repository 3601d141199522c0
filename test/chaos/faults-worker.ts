import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import type { Moment } from './scene.ts';

/** Every step of a night. */
export const EVERY_STEP: readonly Moment[] = [
  'TAKE OVER',
  'log: day taken over',
  'log: landed',
  'log: part staged',
  'EPOCH',
  'OPEN',
  'ROWS',
  'COPY',
  'KEYS',
  'LEDGER',
  'COMMIT',
  'answer to COMMIT',
  'READ BACK',
  'log: committed',
  'CLOSE',
];

const INSIDE_THE_TRANSACTION: readonly Moment[] = [
  'OPEN',
  'ROWS',
  'COPY',
  'KEYS',
  'LEDGER',
  'answer to LEDGER',
  'COMMIT',
];

/** What happens to a worker. */
export const WORKER_FAULTS: readonly Fault[] = [
  {
    name: 'kill-9',
    moments: EVERY_STEP,
    prepare: async (scene) => scene.callStandby(),
    strike: async (scene, { chance }, { held }) => {
      await scene.worker.end('SIGKILL');
      // What was on the wire arrives all the same, or never.
      const arrives = chance.isSo(50);
      if (arrives) await held?.release();
      else held?.cut();
      return arrives ? 'its last message arrives' : 'its last message is lost';
    },
    heal: (scene) => scene.goOn(),
  },
  {
    name: 'sigterm-in-mid-load',
    moments: ['log: landed', ...INSIDE_THE_TRANSACTION, 'answer to COMMIT'],
    prepare: async (scene) => scene.callStandby(),
    strike: async (scene, { chance }, { held }) => {
      const ended = scene.worker.end('SIGTERM');
      if (chance.isSo(50)) await held?.release(); // otherwise it hangs until the grace is over
      await ended;
      held?.cut();
    },
    heal: (scene) => scene.goOn(),
  },
  {
    name: 'frozen-past-the-heartbeat',
    moments: ['log: landed', ...INSIDE_THE_TRANSACTION, 'answer to COMMIT'],
    prepare: async (scene) => scene.callStandby(),
    strike: async (scene, _night, { held }) => {
      scene.worker.signal('SIGSTOP');
      void held?.release(); // in the middle of the rows PostgreSQL answers nothing
    },
    heal: async (scene, { chance }) => {
      const frozen = scene.worker;
      await scene.goOn();
      await pause(chance.between(500, 4_000));
      frozen.signal('SIGCONT');
      await frozen.end('SIGTERM');
    },
  },
  {
    name: 'event-loop-blocked-past-the-heartbeat',
    moments: ['log: day taken over', 'log: landed', ...INSIDE_THE_TRANSACTION, 'answer to COMMIT'],
    strike: async (scene, _night, { held }) => {
      scene.worker.tell({ order: 'block', ms: 4_000 });
      await pause(50);
      await held?.release();
    },
  },
  {
    name: 'clock-jumps',
    moments: ['log: day taken over', 'log: landed', 'OPEN', 'LEDGER', 'COMMIT', 'READ BACK'],
    strike: async (scene, { chance }, { held }) => {
      const ms = chance.of([-86_400_000, 86_400_000, -3_600_000, 400 * 86_400_000]);
      scene.tell({ order: 'clock', ms });
      await pause(50);
      await held?.release();
      return `by ${ms / 3_600_000} h`;
    },
    heal: async (scene) => {
      await pause(300);
      scene.tell({ order: 'clock', ms: 0 });
    },
  },
  {
    name: 'disk-full-at-the-worker',
    strike: async (scene) => scene.tell({ order: 'disk', isFull: true }),
    heal: async (scene) => {
      await pause(500);
      scene.tell({ order: 'disk', isFull: false });
    },
  },
  {
    name: 'cut-off-from-temporal',
    moments: ['log: day taken over', 'log: landed', ...INSIDE_THE_TRANSACTION, 'answer to COMMIT'],
    prepare: async (scene) => scene.callStandby(),
    strike: async (scene, _night, { held }) => {
      scene.cutFromTemporal();
      await held?.release();
    },
    heal: async (scene, { chance }) => {
      await scene.goOn();
      await pause(chance.between(0, 3_000));
      scene.mend();
      await scene.endOthers();
    },
  },
];
