import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFailed, test } from 'vitest';
import { acknowledge } from '../../alerting/archive/archive.ts';
import { parseOnCall } from '../../alerting/paging/on-call.ts';
import { alarmIn } from '../support/alarm.ts';
import { NIGHTTRAIN_WORKER, type WorkerProcess } from '../support/house-worker.ts';
import { openHouse, type House } from '../support/house.ts';
import { until } from '../support/intake.ts';
import { keepFigure, smsTo } from '../support/paging.ts';
import { alertOf, endOfPaging } from '../support/recorded-pages.ts';
import { TwilioStub } from '../support/twilio.ts';

const ANA = '+33611111111';
const ON_CALL = `
people:
  ana: { name: Ana, channels: [{ sms: '${ANA}' }] }
levels:
  - { people: [ana], timeoutMinutes: 10 }
`;
const FINDING = { rule: 'night-failed', dataset: null, businessDate: null } as const;

/** `nighttrain worker` in a project of its own, without a dataset, with people on call. */
async function startPager(house: House, project: string, twilio: TwilioStub): Promise<WorkerProcess> {
  const env = {
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_FROM: twilio.from,
    TWILIO_API_URL: twilio.url,
  };
  return house.startWorkerProcess(env, { ...NIGHTTRAIN_WORKER, folder: project });
}

async function makeProject(): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'nighttrain-pager-'));
  await mkdir(join(project, 'datasets'));
  await writeFile(join(project, 'package.json'), '{"type": "module"}\n');
  await writeFile(join(project, 'on-call.yaml'), ON_CALL);
  return project;
}

test('a worker that is killed -9 between the archive and the page, or in mid-call: another one pages', async () => {
  await using twilio = await TwilioStub.start();
  await using house = await openHouse({ datasets: [] });
  const project = await makeProject();
  try {
    const first = await startPager(house, project, twilio);
    onTestFailed(() => void process.stderr.write(`${first.lines.slice(-30).join('\n')}\n`));
    const database = await house.open(house.loaderUrl, 'test', 2);
    const alarm = alarmIn(house, database, parseOnCall(ON_CALL, []));

    twilio.strike({ fault: 'silence', taken: false }); // called, and it never answers
    await alarm.raise({ ...FINDING, subject: 'in mid-call', sentence: 'The first night was not loaded' });
    await until(() => twilio.calls === 1);
    await first.end('SIGKILL');
    const killedAt = Date.now();
    await alarm.raise({ ...FINDING, subject: 'no worker', sentence: 'The second night was not loaded' });
    // Archived, and its process killed before it could start the escalation.
    await house.client.workflow
      .getHandle(`alert/${(await alertOf(house, 'night-failed', 'no worker')).alertId}`)
      .terminate('as if it had never been started');

    await startPager(house, project, twilio);
    const startedAt = Date.now();
    const second = await smsTo(twilio, ANA, 'second night');
    expect(second.at - startedAt).toBeLessThan(5_000);
    const inMidCall = await smsTo(twilio, ANA, 'first night');
    expect(inMidCall.at - killedAt).toBeLessThan(25_000);
    for (const subject of ['in mid-call', 'no worker']) {
      const { alertId } = await alertOf(house, 'night-failed', subject);
      await acknowledge(database, { alertId }, { by: 'ana', via: 'test' });
      await house.client.workflow.getHandle(`alert/${alertId}`).signal('alertChanged');
      expect(await endOfPaging(house, alertId)).toBe('answered');
      const tries = subject === 'in mid-call' ? 2 : 1;
      expect(
        await house.ask('select state, tries from nighttrain.alert_delivery where alert_id = $1', [alertId]),
      ).toEqual([{ state: 'sent', tries }]);
    }
    expect(twilio.messages).toHaveLength(2);
    await keepFigure(
      'worker killed -9 in mid-call',
      'SMS by another worker, after the kill',
      inMidCall.at - killedAt,
    );
    await keepFigure(
      'worker killed -9 between archive and escalation',
      'SMS, after the next worker was up',
      second.at - startedAt,
    );
  } finally {
    await rm(project, { recursive: true, force: true });
  }
});
