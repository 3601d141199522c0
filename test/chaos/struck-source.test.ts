import { expect, test } from 'vitest';
import { OPERATOR_FAULTS } from './faults-operator.ts';
import { SOURCE_FAULTS } from './faults-source.ts';
import { shareScene, WHOLE } from './share-scene.ts';

const scene = shareScene();

test.each(SOURCE_FAULTS)('R1-R5: a day is whole after $name', async ({ name }) => {
  expect(await scene.strike({ fault: name })).toMatchObject(WHOLE);
});

test.each(OPERATOR_FAULTS)('R11, R13: a day is whole after $name', async ({ name }) => {
  expect(await scene.strike({ fault: name, moment: 'COMMIT' })).toMatchObject(WHOLE);
});
