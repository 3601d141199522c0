import { describe, expect, test } from 'vitest';
import { ChannelUnavailable } from '../../rules/errors.ts';
import { ON_CALL } from '../support/on-call.ts';
import { ADA, GRACE, POSTGRES, TEMPORAL, WORKERS, WORKER_A, TimedKennel } from '../support/timed-kennel.ts';

describe('what is over', () => {
  test('whoever was paged is told once, and the archive takes it over as over', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(5);
    kennel.sees('PostgreSQL');
    await kennel.look(5);
    expect(kennel.told).toEqual([
      `${ADA}: PostgreSQL does not answer`,
      `${ADA}: Over: PostgreSQL does not answer (for 1 min)`,
    ]);
    expect(kennel.sms.sent.map(({ page }) => page.isOver ?? false)).toEqual([false, true]);
    expect(await kennel.spooled()).toEqual(['warehouse-down over']);
  });

  test('of one worker nobody is told that it is over while no worker answers', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('worker', WORKER_A);
    await kennel.look(3);
    await kennel.takeOver(); // by the other worker, which has people paged
    await kennel.look();
    kennel.sees('worker', WORKERS);
    await kennel.look(3);
    expect([await kennel.spooled(), kennel.told]).toEqual([['worker-down'], [`${ADA}: No worker answers`]]);
    kennel.sees('worker', WORKER_A);
    await kennel.look(3);
    expect(kennel.told.slice(1)).toEqual([expect.stringContaining('Over: No worker answers')]);
    expect(await kennel.spooled()).toEqual(['worker-down over']);
  });

  test('whoever could not be told hears it once their provider is back, and nobody hears it twice', async () => {
    const kennel = await TimedKennel.open();
    kennel.onCall = { ...ON_CALL, levels: [{ people: ['ada', 'grace'], timeoutMs: 600_000 }] };
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    kennel.sms.obstacles.set(ADA, () => Promise.reject(new ChannelUnavailable('Twilio does not answer')));
    kennel.sees('PostgreSQL');
    await kennel.look(10);
    kennel.restart();
    await kennel.look(10);
    const over = () => kennel.told.filter((one) => one.includes('Over: ')).map((one) => one.split(':')[0]);
    expect(over()).toEqual([GRACE]);
    kennel.sms.obstacles.clear();
    await kennel.look(20);
    expect(new Set(over())).toEqual(new Set([ADA, GRACE]));
    expect(over()).toHaveLength(2);
  });

  test('whoever cannot be told for an hour is left alone', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    let calls = 0;
    kennel.sms.obstacles.set(ADA, () => Promise.reject(new ChannelUnavailable(`call ${++calls}`)));
    kennel.sees('PostgreSQL');
    await kennel.look(500);
    expect(calls).toBeGreaterThan(30);
    expect(calls).toBeLessThan(70);
    kennel.sms.obstacles.clear();
    await kennel.look(20);
    expect(kennel.told).toHaveLength(1);
  });

  test('what happens again is news', async () => {
    const kennel = await TimedKennel.open();
    for (let time = 0; time < 2; time++) {
      kennel.sees('PostgreSQL', POSTGRES);
      await kennel.look(5);
      kennel.sees('PostgreSQL');
      await kennel.look(5);
    }
    expect(kennel.told).toHaveLength(4);
  });

  test('of two that were paged together, people hear once both are over', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    kennel.sees('Temporal', TEMPORAL);
    await kennel.look(3);
    kennel.sees('PostgreSQL');
    await kennel.look(3);
    expect(kennel.told).toHaveLength(1);
    kennel.sees('Temporal');
    await kennel.look(1);
    expect(kennel.told[1]).toContain(
      'Over: PostgreSQL does not answer (for 1 min). Temporal does not answer',
    );
  });
});
