import { expect, test } from 'vitest';
import { CONFLICT_FAULTS } from './faults-conflict.ts';
import { POSTGRES_FAULTS } from './faults-postgres.ts';
import { WIRE_FAULTS } from './faults-wire.ts';
import { WORKER_FAULTS } from './faults-worker.ts';
import { shareScene, WHOLE, WHOLE_BY_ITSELF } from './share-scene.ts';

const scene = shareScene();

const faults = [...WORKER_FAULTS, ...WIRE_FAULTS, ...POSTGRES_FAULTS, ...CONFLICT_FAULTS].filter(
  ({ isExclusive }) => !isExclusive,
);

/** The moment at which a fault hurts most: what is struck holds locks, and knows not whether it has committed. */
const worstOf = (moments: readonly string[] = []) =>
  (['COMMIT', 'LEDGER'] as const).find((moment) => moments.includes(moment));

/** Conflicts pass by themselves. */
const wakesNobody = (name: string) => /^(40|57)/.test(name);

test.each(faults)('R1-R9: a night survives $name', { timeout: 120_000 }, async ({ name, moments }) => {
  const outcome = await scene.strike({ fault: name, moment: worstOf(moments) });
  expect(outcome).toMatchObject(wakesNobody(name) ? WHOLE_BY_ITSELF : WHOLE);
});

test.each(['COMMIT', 'answer to COMMIT', 'COPY', 'TAKE OVER'] as const)(
  'R8: a connection that is cut at %s is no reason to wake anybody',
  async (moment) => {
    expect(await scene.strike({ fault: 'connection-cut', moment })).toMatchObject(WHOLE_BY_ITSELF);
  },
);
