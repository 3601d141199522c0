import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { WatchJournal } from '../../alerting/watchdog/watch-journal.ts';
import { ON_CALL } from '../support/on-call.ts';
import { ADA, GRACE, POSTGRES, TimedKennel } from '../support/timed-kennel.ts';

const MINUTE_MS = 60_000;

describe('a watchdog that is started again in mid-outage', () => {
  test('pages nobody twice, and goes on with the next level when its time has come', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(4);
    for (let start = 0; start < 5; start++) {
      kennel.restart();
      await kennel.look(4);
    }
    expect(kennel.told).toHaveLength(1);
    expect(await kennel.spooled()).toEqual(['warehouse-down']);
    kennel.now += 10 * MINUTE_MS;
    kennel.restart();
    await kennel.look();
    expect(kennel.told).toHaveLength(2);
  });

  test('calls whom the one before had not called yet, and only those', async () => {
    const kennel = await TimedKennel.open();
    kennel.onCall = { ...ON_CALL, levels: [{ people: ['ada', 'grace'], timeoutMs: 600_000 }] };
    kennel.email.obstacles.set(GRACE, () => new Promise(() => undefined)); // its process dies meanwhile
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(2);
    void kennel.look();
    await expect.poll(() => kennel.told).toEqual([`${ADA}: PostgreSQL does not answer`]);
    await expect
      .poll(async () =>
        JSON.stringify(
          (await new WatchJournal(kennel.files.journal, pino({ level: 'silent' })).read()).calls,
        ),
      )
      .toContain('"state":"told"');
    kennel.email.obstacles.clear();
    kennel.restart();
    await kennel.look();
    expect(kennel.told).toEqual([
      `${ADA}: PostgreSQL does not answer`,
      `${GRACE}: PostgreSQL does not answer`,
    ]);
  });

  test('says that it is over where it ended meanwhile', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(4);
    kennel.sees('PostgreSQL');
    kennel.restart();
    await kennel.look();
    expect(kennel.told[1]).toContain('Over: ');
  });

  test('goes on without a journal that was cut short', async () => {
    const kennel = await TimedKennel.open();
    kennel.sees('PostgreSQL', POSTGRES);
    await kennel.look(3);
    await writeFile(kennel.files.journal, '{"troubles": [');
    kennel.restart();
    await kennel.look(3);
    expect(kennel.told).toHaveLength(2);
    expect(await readdir(join(kennel.files.journal, '..'))).toEqual(['journal.json']);
  });
});
