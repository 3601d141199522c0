import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Command } from '../support/installation.ts';
import { SmtpStub } from '../support/smtp.ts';
import { TwilioStub } from '../support/twilio.ts';

interface Found {
  readonly check: string;
  readonly level: string;
  readonly found: string;
}

let folder: string;
let twilio: TwilioStub;
let smtp: SmtpStub;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nighttrain-doctor-'));
  await mkdir(join(folder, 'datasets'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  [twilio, smtp] = [await TwilioStub.start(), await SmtpStub.start()];
});
afterAll(async () => {
  await twilio[Symbol.asyncDispose]();
  await smtp[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** What doctor finds about paging. */
async function doctor(env: NodeJS.ProcessEnv = {}, onCall?: string) {
  await rm(join(folder, 'on-call.yaml'), { force: true });
  if (onCall !== undefined) await writeFile(join(folder, 'on-call.yaml'), onCall);
  const variables = { ...process.env, NIGHTTRAIN_HOME: join(folder, 'home'), ...env };
  const { stdout, stderr } = await new Command(['doctor', '--json'], variables, folder).answer();
  const { checks } = JSON.parse(stdout) as { checks: Found[] };
  const of = (check: string) => checks.find((one) => one.check === check);
  const all = (check: string) => checks.filter((one) => one.check === check);
  return { of, all, said: stdout + stderr };
}

const FILE = `
people:
  ana: { name: Ana, channels: [{ sms: '+33612345678' }] }
  bo: { name: Bo, channels: [{ email: bo@example.com }, { webhook: $HOOK, as: slack }] }
levels: [{ people: [ana, bo], timeoutMinutes: 5 }]
`;

const twilioEnv = () => ({
  TWILIO_ACCOUNT_SID: twilio.accountSid,
  TWILIO_AUTH_TOKEN: twilio.authToken,
  TWILIO_FROM: twilio.from,
  TWILIO_API_URL: twilio.url,
});

test('without anything set up doctor says loudly that nobody is called', async () => {
  const { of } = await doctor();
  expect(of('on call')).toMatchObject({
    level: 'warn',
    found: expect.stringContaining('NOBODY IS CALLED') as unknown,
  });
});

test('people whom nothing here reaches are named', async () => {
  const { of } = await doctor({}, FILE);
  expect(of('on call')).toMatchObject({
    level: 'fail',
    found: [
      'NOBODY IS CALLED when a night fails: alerts go to the log and the archive alone',
      'ana: sms is not set up here',
      'bo: email is not set up here',
      'bo: $HOOK is not set',
    ].join('\n'),
  });
});

test('credentials are tried by calls that send nothing', async () => {
  const env = {
    ...twilioEnv(),
    SMTP_URL: smtp.url.replace('//', `//pager:${smtp.password}@`),
    SMTP_FROM: 'nt@example.com',
    HOOK: 'https://hooks.slack.com/services/T0/B0/xyz',
  };
  const { of } = await doctor(env, FILE);
  expect(of('on call')).toMatchObject({
    level: 'ok',
    found: '2 people, each reached by what is set up here',
  });
  expect(of('sms')).toMatchObject({
    level: 'ok',
    found: 'Twilio lets us in; asks what became of a page; no replies: the text names the command',
  });
  expect(of('email')).toMatchObject({ level: 'ok' });
  expect([twilio.messages.length, smtp.mails.length]).toEqual([0, 0]);
});

test('what a variable holds must be an address, too: the variable is named, its value is not', async () => {
  const wrong = FILE.replace("'+33612345678'", '$ANA_NUMBER');
  const env = { ...twilioEnv(), ANA_NUMBER: '0612345678', HOOK: 'hooks.slack.com/T0/xyz' };
  const { of, said } = await doctor(env, wrong);
  expect(of('on call')).toMatchObject({ level: 'fail' });
  expect(of('on call')?.found).toContain("ana: $ANA_NUMBER does not hold a number, as '+33612345678'");
  expect(of('on call')?.found).toContain('bo: $HOOK does not hold an http(s) URL');
  for (const secret of ['0612345678', 'hooks.slack.com']) expect(said).not.toContain(secret);
});

test('no watchdog starts with a number that is none, and none needs a variable that is not set', async () => {
  await writeFile(join(folder, 'on-call.yaml'), FILE.replace("'+33612345678'", '$ANA_NUMBER'));
  const home = join(folder, 'home');
  const env = { ...process.env, NIGHTTRAIN_HOME: home, TEMPORAL_ADDRESS: '127.0.0.1:1', ANA_NUMBER: '0612' };
  const { code, stderr } = await new Command(['watchdog'], env, folder).answer();
  expect(code).toBe(2);
  expect(stderr).toContain("ana: ANA_NUMBER does not hold a number, as '+33612345678'");
  expect(stderr).not.toContain('HOOK');
});

test('a file that is sound and calls nobody, or not everybody, or too shortly, is told', async () => {
  const env = {
    ...twilioEnv(),
    SMTP_URL: smtp.url.replace('//', `//pager:${smtp.password}@`),
    SMTP_FROM: 'nt@example.com',
    HOOK: 'https://hooks.slack.com/services/T0/B0/xyz',
  };
  const odd = FILE.replace('[ana, bo], timeoutMinutes: 5', '[ana], timeoutMinutes: 0.5');
  const { all } = await doctor(env, `${odd}quiet: [warn, error, critical]\n`);
  expect(all('on call')).toMatchObject([
    { level: 'ok' },
    {
      level: 'warn',
      found: [
        'quiet has warn, error, critical: NOBODY IS CALLED when a night fails: alerts go to the log and the archive alone',
        'bo: in no level and no owner of a dataset, told only that nobody has answered',
        'level 1 has 30 s to answer: most SMS are not read by then',
      ].join('\n'),
    },
  ]);
});

test('replies are announced where the outside can call us; a port that nobody hears is told, and a link without TLS', async () => {
  const worker = createServer().listen(0, '127.0.0.1');
  await once(worker, 'listening');
  const { port } = worker.address() as AddressInfo;
  const env = {
    NIGHTTRAIN_PUBLIC_URL: 'https://ops.example.com/nt/',
    NIGHTTRAIN_CALLBACK_PORT: String(port),
  };
  const { of } = await doctor({ ...twilioEnv(), ...env });
  expect(of('sms')?.found).toBe('Twilio lets us in; is told what became of a page; replies acknowledge');
  expect(of('callbacks')).toMatchObject({
    level: 'ok',
    found: `https://ops.example.com/nt, heard on port ${port}`,
  });
  worker.close();
  await once(worker, 'close');
  const alone = await doctor({ ...twilioEnv(), ...env, NIGHTTRAIN_PUBLIC_URL: 'http://ops.example.com' });
  expect(alone.of('callbacks')).toMatchObject({
    level: 'warn',
    found: [
      'http://ops.example.com',
      `nothing on this machine hears port ${port}`,
      'it is not https: links that acknowledge can be read on their way',
    ].join('; '),
  });
});

test('a runbook that cannot be run is found before the night that needs it', async () => {
  expect((await doctor()).of('runbooks')).toMatchObject({ level: 'ok' });
  await mkdir(join(folder, 'runbooks'), { recursive: true });
  await writeFile(join(folder, 'runbooks', 'source-down.md'), '# Nothing of use\n');
  const { of } = await doctor();
  await rm(join(folder, 'runbooks'), { recursive: true });
  expect(of('runbooks')).toMatchObject({
    level: 'fail',
    found: expect.stringContaining('source-down: ') as unknown,
  });
});

test('wrong credentials are found before the night that needs them, and are not shown', async () => {
  const wrong = 'f'.repeat(32);
  const { of, said } = await doctor({
    ...twilioEnv(),
    TWILIO_AUTH_TOKEN: wrong,
    SMTP_URL: smtp.url.replace('//', '//pager:guessed-badly@'),
    SMTP_FROM: 'nt@example.com',
  });
  expect(of('sms')).toMatchObject({
    level: 'fail',
    found: expect.stringContaining('does not let us send') as unknown,
  });
  expect(of('email')).toMatchObject({
    level: 'fail',
    found: expect.stringContaining('does not let us in') as unknown,
  });
  for (const secret of [wrong, 'guessed-badly']) expect(said).not.toContain(secret);
});

test('variables that make no sense together are told at once, with exit code 2', async () => {
  const env = {
    ...process.env,
    TWILIO_ACCOUNT_SID: 'AC1',
    TWILIO_API_KEY: `SK${'0'.repeat(32)}`,
    TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}`,
    TWILIO_FROM: '0612345678',
    SMTP_URL: 'mail.example.com',
    NIGHTTRAIN_PUBLIC_URL: 'https://ops.example.com/?x=1',
    TWILIO_REPLIES: 'yes',
    PAGERDUTY_ROUTING_KEY: 'short-secret',
  };
  const { code, stderr } = await new Command(['status'], env, folder).answer();
  expect(code).toBe(2);
  for (const problem of [
    'TWILIO_ACCOUNT_SID is not AC and 32 hexadecimal digits',
    'TWILIO_API_KEY and TWILIO_API_SECRET are set together, or not at all',
    'TWILIO_ACCOUNT_SID needs one of TWILIO_FROM and TWILIO_MESSAGING_SERVICE_SID',
    'TWILIO_FROM is neither a number as +15005550006',
    'SMTP_URL is not an smtp:// or smtps:// URL',
    'SMTP_URL and SMTP_FROM are set together, or not at all',
    'NIGHTTRAIN_PUBLIC_URL has a query',
    'NIGHTTRAIN_PUBLIC_URL and NIGHTTRAIN_CALLBACK_PORT are set together, or not at all',
    'PAGERDUTY_ROUTING_KEY does not have 32 characters',
  ])
    expect(stderr).toContain(problem);
  expect(stderr).not.toContain('short-secret');
});

test('one check alone answers for itself, whatever else is wrong; one that was not made is no good news', async () => {
  const env = { ...process.env, NIGHTTRAIN_HOME: join(folder, 'home') };
  const only = (...checks: string[]) => new Command(['doctor', '--only', ...checks], env, folder).answer();
  const disk = await only('disk');
  expect(disk.stdout).toMatch(/^(ok|warn) +disk +[\d.]+ GiB free[^]*\n1 checks: 0 failed/);
  expect(disk.code).toBe(0);
  expect(await only('PostgreSQL')).toMatchObject({ code: 1 }); // none runs here
  const unmade = await only('disk', 'schedules');
  expect(unmade).toMatchObject({ code: 2, stdout: '' });
  expect(unmade.stderr).toContain('No such check was made: schedules');
});
