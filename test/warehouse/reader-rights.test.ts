import { expect, test } from 'vitest';
import { shareHouse } from '../support/house.ts';

const house = shareHouse();

test.each([
  'select on_call from nighttrain.alert',
  'select * from nighttrain.alert',
  'select address from nighttrain.alert_delivery',
  'select provider_id from nighttrain.alert_delivery',
  'select token_sha256 from nighttrain.alert_link',
  'select callback_id from nighttrain.alert_callback',
])('R17: whoever may read the warehouse reads nobody’s number or address: %s', async (statement) => {
  const reader = await house().open(house().readerUrl, 'reader');
  await expect(reader.query(statement)).rejects.toMatchObject({ code: '42501' });
});

test('whoever may read the warehouse reads which alerts there are, and what became of their pages', async () => {
  const reader = await house().open(house().readerUrl, 'reader');
  const statement = `select code, rule, sentence, facts, a.state, d.person, d.channel, d.state, d.error
    from nighttrain.alert a left join nighttrain.alert_delivery d using (alert_id)`;
  expect(await reader.query(statement)).toEqual([]);
});
