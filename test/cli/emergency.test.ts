import { afterAll, beforeAll, expect, test } from 'vitest';
import { openInstallation, type TestInstallation } from '../support/installation.ts';
import { until } from '../support/intake.ts';

let here: TestInstallation;

beforeAll(async () => {
  here = await openInstallation();
  await here.up();
});
afterAll(() => here[Symbol.asyncDispose]());

test('a question whose rows mean trouble ends with exit code 1, and one without rows with 0', async () => {
  const day = ['--var', 'dataset=flights', '--var', 'date=2013-02-08'];
  const [missing, told, whole] = await Promise.all([
    here.run(['sql', 'unloaded-day', ...day, '--fail-on-rows']),
    here.run(['sql', 'unloaded-day', ...day, '--json']),
    here.run(['sql', 'broken-links', '--fail-on-rows']),
  ]);
  expect(missing).toMatchObject({ code: 1 });
  expect(missing.stdout).toMatch(/flights +2013-02-08 +missing[^]*1 row\n/);
  expect({ code: told.code, document: JSON.parse(told.stdout) as unknown }).toMatchObject({
    code: 0,
    document: { version: 1, name: 'unloaded-day', isCut: false, rows: [{ business_date: '2013-02-08' }] },
  });
  expect(whole).toMatchObject({ code: 0, stdout: 'No rows.\n' });
});

test('the questions are listed with what they answer and what they must be told', async () => {
  const { code, stdout } = await here.run(['sql']);
  expect(code).toBe(0);
  expect(stdout).toContain(
    'npx nighttrain sql unloaded-day --var dataset=… --var date=…\n  The day, where readers',
  );
});

test('a paused schedule starts no night until it is resumed; to do either twice is no mistake', async () => {
  const isPaused = async () => {
    const { state } = await here.client.schedule.getHandle('nighttrain/flights').describe();
    return { paused: state.paused, note: state.note };
  };
  const paused = await here.json(['pause', 'flights', '--reason', 'the carrier moves its server']);
  expect(paused).toMatchObject({ dataset: 'flights', isPaused: true, wasPaused: false });
  expect(await isPaused()).toMatchObject({
    paused: true,
    note: expect.stringContaining('the carrier moves its server (') as string,
  });
  expect(await here.json(['pause', 'flights', '--reason', 'again'])).toMatchObject({ wasPaused: true });
  const schedules = async () => {
    const { checks } = await here.json<{ checks: { check: string; found: string }[] }>(['doctor']);
    return checks.find(({ check }) => check === 'schedules')?.found ?? '';
  };
  // Temporal's list of schedules comes a moment later.
  await until(
    async () => /^flights is paused: .*the carrier moves its server/.test(await schedules()),
    30_000,
  );
  expect(await here.json(['resume', 'flights'])).toMatchObject({ isPaused: false, wasPaused: true });
  expect(await isPaused()).toMatchObject({ paused: false });
  expect(await here.run(['resume', 'flights'])).toMatchObject({
    code: 0,
    stdout: 'flights was not paused.\n',
  });
});

test('a pause may end by itself: its end is noted where the sweep and everybody else find it', async () => {
  const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000).toISOString();
  const paused = await here.json(['pause', 'flights', '--reason', 'a move', '--until', until]);
  expect(paused).toMatchObject({ isPaused: true, until });
  const { state } = await here.client.schedule.getHandle('nighttrain/flights').describe();
  expect(state.note).toMatch(/^a move \(.+\), until 20/);
  await here.run(['resume', 'flights']);
});

test.each([
  ['a question that is none', ['sql', 'everything'], /no question 'everything'\nKnown are: broken-links/],
  [
    'a question that is not told what it must be',
    ['sql', 'unloaded-day'],
    /No value is given for dataset, date/,
  ],
  [
    'a question told what it does not ask',
    ['sql', 'broken-links', '--var', 'date=2013-02-08'],
    /asks for date/,
  ],
  ['a pause without a reason', ['pause', 'flights'], /--reason/],
  [
    'a pause until what is no time',
    ['pause', 'flights', '--reason', 'x', '--until', 'tomorrow'],
    /'tomorrow' is no time at which a pause could end\nWrite it as/,
  ],
  [
    'a pause that would be over',
    ['pause', 'flights', '--reason', 'x', '--until', '2020-01-01T00:00Z'],
    /2020-01-01T00:00:00.000Z is past already/,
  ],
  [
    'an audit that fails on nothing known',
    ['audit', 'run', '--fail-on', 'info'],
    /Allowed choices are warn, error/,
  ],
  ['a pause of what is no dataset', ['pause', 'fligths', '--reason', 'x'], /no dataset 'fligths'/],
])('%s is wrong usage: exit code 2', async (_, line, says) => {
  const { code, stderr } = await here.run(line);
  expect(code).toBe(2);
  expect(stderr).toMatch(says);
});
