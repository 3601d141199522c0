import type { Incident } from './incident.ts';
import { INCIDENTS_OF_A_RUN } from './incidents-of-a-run.ts';
import { INCIDENTS_OF_THE_ENGINES } from './incidents-of-the-engines.ts';
import { INCIDENTS_OF_THE_SOURCE } from './incidents-of-the-source.ts';

/** Every incident of the game day. */
export const INCIDENTS: readonly Incident[] = [
  ...INCIDENTS_OF_THE_SOURCE,
  ...INCIDENTS_OF_A_RUN,
  ...INCIDENTS_OF_THE_ENGINES,
];
