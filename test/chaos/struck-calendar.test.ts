import { expect, test } from 'vitest';
import { CALENDAR_FAULTS } from './faults-calendar.ts';
import { shareScene, WHOLE_BY_ITSELF } from './share-scene.ts';

const scene = shareScene(); // of its own: each day of a scene is a year back, and calendars go back some forty

test.each(CALENDAR_FAULTS)('R11, R12: a day is whole, and loaded once, by the $name', async ({ name }) => {
  expect(await scene.strike({ fault: name, moment: 'COMMIT' })).toMatchObject(WHOLE_BY_ITSELF);
});
