import { expect, test } from 'vitest';
import { shareHouse } from '../support/house.ts';

const house = shareHouse();

test('R5, R14: three hundred bad records of nearly a megabyte each are refused within a minute, and each is kept whole', async () => {
  const day = '2024-08-03';
  const note = 'x'.repeat(950_000);
  const records = Array.from({ length: 300 }, (_, row) => `${day},${row},much,${note}`);
  await house().put('fares', `${day}.csv`, ['day,receipt,amount,note', ...records]);
  expect(await house().run('fares', day)).toMatchObject({
    error: {
      name: 'Refused',
      message: `fares of ${day} is refused: 300 of 300 rows are rejected (100.0 %)`,
    },
  });
  const kept = await house().ask(
    `select count(*)::int as rows, min(length(raw)) as least from nighttrain.quarantine where business_date = $1`,
    [day],
  );
  expect(kept).toEqual([{ rows: 300, least: `${day},0,much,${note}`.length }]);
}, 60_000);
