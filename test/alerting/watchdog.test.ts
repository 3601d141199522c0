import { describe, expect, test } from 'vitest';
import { ChannelUnavailable } from '../../rules/errors.ts';
import { ADA, DISK, GRACE, PAUSED, POSTGRES, TEMPORAL, TimedKennel } from '../support/timed-kennel.ts';

const MINUTE_MS = 60_000;

describe('what is believed', () => {
  test('what two looks in a row have found is nothing yet; at the third it is spooled, and the first level is paged', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(2);
    expect([await kennel.spooled(), kennel.told]).toEqual([[], []]);
    await kennel.look();
    expect([await kennel.spooled(), kennel.told]).toEqual([
      ['warehouse-down'],
      [`${ADA}: PostgreSQL does not answer`],
    ]);
  });

  test('what comes and goes is never believed', async () => {
    const kennel = await TimedKennel.open();
    for (let turn = 0; turn < 5; turn++) {
      kennel.sees('PostgreSQL', POSTGRES);
      await kennel.look(2);
      kennel.sees('PostgreSQL');
      await kennel.look();
    }
    expect([await kennel.spooled(), kennel.told]).toEqual([[], []]);
  });

  test('what is found together is one page, the worst first', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('Temporal', TEMPORAL);
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(9);
    expect(kennel.told).toHaveLength(1);
    expect(kennel.told[0]).toContain('PostgreSQL does not answer. Also: Temporal does not answer');
  });
});

describe('who is paged', () => {
  test('where a worker takes the finding over, the archive pages and the watchdog does not', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('disk', DISK);
    await kennel.look(3);
    expect(await kennel.spooled()).toEqual(['disk-full']);
    await kennel.takeOver();
    await kennel.look(60);
    expect([await kennel.spooled(), kennel.told]).toEqual([[], []]);
  });

  test('where nobody takes it over for three minutes, the watchdog pages', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('disk', DISK);
    await kennel.look(3 + 17);
    expect(kennel.told).toEqual([]);
    await kennel.look(3);
    expect(kennel.told).toEqual([`${ADA}: The disk is full`]);
  });

  test('without an answer the next level is paged, then nobody is left', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3 + 59);
    expect(kennel.told).toHaveLength(1);
    await kennel.look(2);
    expect(kennel.told).toEqual([
      `${ADA}: PostgreSQL does not answer`,
      `${GRACE}: PostgreSQL does not answer`,
    ]);
    await kennel.look(300);
    expect(kennel.told).toHaveLength(2);
  });

  test('a level of which nobody can be reached is no level: the next is paged at once', async () => {
    const kennel = await TimedKennel.open();
    kennel.sms.obstacles.set(ADA, () => Promise.reject(new ChannelUnavailable('Twilio does not answer')));
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    expect(kennel.told).toEqual([`${GRACE}: PostgreSQL does not answer`]);
  });

  test('who acknowledges is the last who is paged, and hears when it is over', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    await kennel.acknowledge();
    await kennel.look(300);
    expect(kennel.told).toHaveLength(1);
    kennel.sees('PostgreSQL');
    await kennel.look();
    expect(kennel.told[1]).toBe(`${ADA}: Over: PostgreSQL does not answer (for 51 min)`);
  });

  test('who acknowledges has the archive know it, also of what waits in the spool and of what nobody was left to answer', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    kennel.sees('disk', DISK);
    await kennel.look(3);
    expect(await kennel.metric('nighttrain_watchdog_calls')).toBe(1);
    expect(await kennel.metric('nighttrain_spool_files')).toBe(2);
    await kennel.look(200);
    expect(kennel.told, 'nobody is left').toHaveLength(2);
    expect(await kennel.metric('nighttrain_watchdog_calls')).toBe(1);
    await kennel.acknowledge();
    await kennel.look();
    expect(await kennel.metric('nighttrain_watchdog_calls')).toBe(0);
    const seen = ['disk-full seen by ada', 'warehouse-down seen by ada'];
    expect((await kennel.spooled()).toSorted()).toEqual(seen);
    kennel.restart();
    await kennel.look();
    expect((await kennel.spooled()).toSorted()).toEqual(seen);
  });

  test('an acknowledgement of last week silences nothing', async () => {
    const kennel = await TimedKennel.open();
    await kennel.acknowledge();
    kennel.now += 7 * 24 * 60 * MINUTE_MS;
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3 + 60);
    expect(kennel.told).toHaveLength(2);
  });

  test('nobody is paged about what the on-call file calls quiet, nor where there is none; it is spooled all the same', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', PAUSED);
    await kennel.look(60);
    kennel.onCall = undefined;
    kennel.sees('Temporal', TEMPORAL);
    await kennel.look(60);
    expect(kennel.told).toEqual([]);
    expect(await kennel.spooled()).toEqual(['schedule-paused', 'temporal-down']);
  });
});
