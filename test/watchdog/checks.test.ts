import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checksOf } from '../../cli/watchdog/checks.ts';
import type { Found, Seen } from '../../alerting/watchdog/watch-state.ts';
import { addDays, localDate } from '../../rules/business-date.ts';
import type { Dataset } from '../../rules/dataset.ts';
import { readConfig } from '../../worker/config.ts';
import { fares } from '../support/datasets.ts';
import { fareLines } from '../support/fares.ts';
import { openHouse, type House } from '../support/house.ts';

const schedule = { at: '00:00', dueBy: '00:01', timeZone: 'UTC', cadence: 'daily', after: [] } as const;
const scheduled: Dataset = { ...fares, schedule };

let house: House;
beforeAll(async () => {
  house = await openHouse({ datasets: [scheduled] });
  await house.startWorker();
});
afterAll(() => house[Symbol.asyncDispose]());

/** What one check of this house sees. */
async function look(
  name: string,
  more: { workerUrls?: string[]; leastFreeBytes?: number } = {},
): Promise<readonly Found[]> {
  const config = { ...readConfig(), home: tmpdir(), databaseUrl: house.loaderUrl };
  const checks = checksOf({ config, datasets: house.datasets, workerUrls: [], leastFreeBytes: 0, ...more });
  const seen: Seen | undefined = await checks.find((check) => check.name === name)?.ask();
  return seen?.is === 'bad' ? seen.found : [];
}

const told = (found: readonly Found[]) =>
  found.map(({ subject, breaksThePath, finding }) => [
    subject,
    finding.subject,
    breaksThePath,
    finding.sentence,
  ]);

test('while one worker answers, each other is a finding; where none does, there is one finding, of nobody alone', async () => {
  await using worker = await somebodyWhoAnswers();
  const [one, other] = ['127.0.0.1:9', '127.0.0.1:1'];
  expect(told(await look('worker', { workerUrls: [worker.url, `http://${one}`] }))).toEqual([
    [one, one, false, `The worker at ${one} does not answer`],
  ]);
  expect(told(await look('worker', { workerUrls: [`http://${one}`, `http://${other}`] }))).toEqual([
    ['', undefined, true, `No worker answers: ${one}, ${other}`],
  ]);
  expect(told(await look('worker', { workerUrls: [`http://${one}`] }))).toEqual([
    ['', undefined, true, `The worker at ${one} does not answer`],
  ]);
});

test('a full disk is that of one home on one machine: another home says nothing of it', async () => {
  const [found] = await look('disk', { leastFreeBytes: Number.MAX_SAFE_INTEGER });
  expect(found?.finding).toMatchObject({ rule: 'disk-full', subject: `${hostname()}:${tmpdir()}` });
});

test('each missing night of the last week is a finding: one that is there says nothing of the one before', async () => {
  const today = localDate(new Date().toISOString(), 'UTC');
  const [missing, later] = [addDays(today, -3), addDays(today, -2)];
  await house.ask(`update nighttrain.dataset_policy set scheduled_since = $1 where dataset = 'fares'`, [
    missing,
  ]);
  expect((await look('nights')).map(({ subject }) => subject)).toContain(`fares of ${later}`);
  await house.put('fares', `${later}.csv`, fareLines(later, { good: 3 }));
  await house.run('fares', later);
  const found = await look('nights');
  expect(found.map(({ subject }) => subject)).toContain(`fares of ${missing}`);
  expect(found.map(({ subject }) => subject)).not.toContain(`fares of ${later}`);
  expect(found.find(({ finding }) => finding.businessDate === missing)?.finding).toMatchObject({
    rule: 'night-missing',
    dataset: 'fares',
    sentence: expect.stringContaining(`the last good night is ${later}`) as unknown,
  });

  await house.ask(`update nighttrain.dataset_policy set scheduled_since = $1 where dataset = 'fares'`, [
    addDays(today, -300),
  ]);
  expect((await look('nights')).length).toBeLessThanOrEqual(7);
});

async function somebodyWhoAnswers() {
  const server = createServer((_request, response) => void response.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
