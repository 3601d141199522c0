import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openInstallation, type Answer, type TestInstallation } from '../support/installation.ts';
import { matching } from '../support/intake.ts';

let project: string;
let here: TestInstallation;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nighttrain-daylight-'));
  await mkdir(join(project, 'datasets'));
  await writeFile(join(project, 'package.json'), '{"type":"module"}');
  here = await openInstallation();
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await rm(project, { recursive: true });
});

/** A command in a project whose one dataset has this schedule. */
async function nighttrain(line: readonly string[], schedule: object): Promise<Answer> {
  const declarations = JSON.stringify(resolve('test/support/datasets.ts'));
  const text = `import { fares } from ${declarations};
export default { ...fares, schedule: ${JSON.stringify({ cadence: 'daily', after: [], ...schedule })} };`;
  await writeFile(join(project, 'datasets/fares.ts'), text);
  return here.start(line, {}, project).answer();
}

const inParis = { at: '02:30', dueBy: '05:00', timeZone: 'Europe/Paris' };

test.each<[string, object, string[]]>([
  [
    'that starts inside both changes',
    inParis,
    [
      String.raw`On \d{4}-03-\d\d the clock of Europe/Paris never shows 02:30\.`,
      String.raw`On \d{4}-10-\d\d the clock of Europe/Paris shows 02:30 twice\.`,
    ],
  ],
  [
    'that starts in what the spring change leaves out',
    { at: '02:30', dueBy: '05:00', timeZone: 'America/New_York' },
    [String.raw`On \d{4}-03-\d\d the clock of America/New_York never shows 02:30\.`],
  ],
  [
    'that starts in the hour that the autumn change repeats',
    { at: '01:30', dueBy: '05:00', timeZone: 'America/New_York' },
    [String.raw`On \d{4}-11-\d\d the clock of America/New_York shows 01:30 twice\.`],
  ],
  [
    'that is due inside a change',
    { at: '01:00', dueBy: '02:59', timeZone: 'Europe/Paris' },
    [String.raw`On \d{4}-03-\d\d the clock of Europe/Paris never shows 02:59\.`],
  ],
])('R12: a worker refuses a schedule %s, and names day, zone and time', async (_what, schedule, says) => {
  const all = ['The schedule of fares lies inside a daylight-saving change', ...says, 'Choose other times'];
  expect(await nighttrain(['worker'], schedule)).toEqual({
    code: 2,
    stdout: '',
    stderr: matching(RegExp(`^(?![^]*\n +at )${all.map((one) => `(?=[^]*${one})`).join('')}`)),
  });
});

test.each([[['worker', '--dry-run']], [['up']], [['up', '--dry-run']]])(
  'R12: %j refuses it too, and starts nothing',
  async (line) => {
    const answer = await nighttrain(line, inParis);
    expect(answer).toMatchObject({
      code: 2,
      stdout: '',
      stderr: matching(/inside a daylight-saving change/),
    });
    expect(answer.stderr).not.toMatch(/Migrated/);
  },
);

test('R12: doctor finds it', async () => {
  const { code, stdout } = await nighttrain(['doctor'], inParis);
  expect(stdout).toMatch(/fail +schedules +The schedule of fares lies inside a daylight-saving change/);
  expect(code).toBe(1);
});
