import type { Fault } from './fault.ts';
import { CALENDAR_FAULTS } from './faults-calendar.ts';
import { CONFLICT_FAULTS } from './faults-conflict.ts';
import { OPERATOR_FAULTS } from './faults-operator.ts';
import { POSTGRES_FAULTS } from './faults-postgres.ts';
import { SOURCE_FAULTS } from './faults-source.ts';
import { WIRE_FAULTS } from './faults-wire.ts';
import { WORKER_FAULTS } from './faults-worker.ts';

/** Everything that can strike a night (DESIGN §8). */
export const REPERTOIRE: readonly Fault[] = [
  ...WORKER_FAULTS,
  ...WIRE_FAULTS,
  ...POSTGRES_FAULTS,
  ...CONFLICT_FAULTS,
  ...OPERATOR_FAULTS,
  ...SOURCE_FAULTS,
  ...CALENDAR_FAULTS,
];

/** What chance chooses from first: a source that fails is worth less of our time than a worker that dies. */
export const AREAS: readonly (readonly Fault[])[] = [
  WORKER_FAULTS,
  WORKER_FAULTS,
  WIRE_FAULTS,
  WIRE_FAULTS,
  POSTGRES_FAULTS,
  CONFLICT_FAULTS,
  OPERATOR_FAULTS,
  [...SOURCE_FAULTS, ...CALENDAR_FAULTS],
];
