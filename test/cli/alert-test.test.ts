import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openInstallation, type Command, type TestInstallation } from '../support/installation.ts';
import { until } from '../support/intake.ts';
import { TwilioStub, type StubMessage } from '../support/twilio.ts';

let here: TestInstallation;
let twilio: TwilioStub;
/** A project of its own, with people on call. */
let project: string;
let worker: Command;

const ANA = '+33612345678';
const BO = '+33687654321';

beforeAll(async () => {
  [here, twilio] = [await openInstallation(), await TwilioStub.start()];
  project = await mkdtemp(join(tmpdir(), 'nighttrain-project-'));
  await mkdir(join(project, 'datasets'));
  await writeFile(
    join(project, 'on-call.yaml'),
    `people:
  ana: { name: Ana, channels: [{ sms: '${ANA}' }] }
  bo: { name: Bo, channels: [{ sms: '${BO}' }] }
levels: [{ people: [ana], timeoutMinutes: 5 }, { people: [bo], timeoutMinutes: 5 }]
`,
  );
  const env = {
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_FROM: twilio.from,
    TWILIO_API_URL: twilio.url,
  };
  worker = here.start(['up'], env, project);
  await until(() => worker.stdout.includes('Night Train is up') || worker.hasEnded, 60_000);
  if (worker.hasEnded) throw new Error(`up ended: ${worker.stderr}`);
});
afterAll(async () => {
  worker.kill('SIGINT');
  await worker.answer();
  await here[Symbol.asyncDispose]();
  await twilio[Symbol.asyncDispose]();
  await rm(project, { recursive: true, force: true });
});

const alertTest = (to: string) => here.start(['alert', 'test', '--to', to], {}, project);

async function taken(number: string): Promise<StubMessage> {
  await until(() => twilio.messages.some(({ params }) => params['To'] === number), 30_000);
  return twilio.lastTo(number);
}

test('what Twilio takes is no success before it has arrived: one that does not is told, with exit code 1', async () => {
  const [toAna, toBo] = [alertTest('ana'), alertTest('bo')];
  const [ana, bo] = [await taken(ANA), await taken(BO)];
  await Promise.all([twilio.settle(ana, 'delivered'), twilio.settle(bo, 'undelivered', 30003)]);
  const [good, bad] = [await toAna.answer(), await toBo.answer()];
  expect(good.stdout).toContain('ana by sms +33***678: delivered');
  expect(good.code).toBe(0);
  expect(bad.stdout).toContain('bo by sms +33***321: undelivered');
  expect(bad.code).toBe(1);
});

test('whoever answers the test has got it, whatever Twilio says of it', async () => {
  const test = alertTest('ana');
  await until(() => twilio.messages.filter(({ params }) => params['To'] === ANA).length > 1, 30_000);
  const code = /alert ack (\d+)/.exec(twilio.lastTo(ANA).params['Body'] ?? '')?.[1] ?? '';
  const acknowledged = await here.run(['alert', 'ack', code], { LOGNAME: 'ana', USER: 'ana' });
  expect(acknowledged.code).toBe(0);
  const { code: exit, stdout } = await test.answer();
  expect(stdout).toContain('Acknowledged by ');
  expect(exit).toBe(0);
});
