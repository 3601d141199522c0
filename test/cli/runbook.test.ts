import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALERT_RULES, type AlertRule } from '../../rules/alert-rules.ts';
import { openHouse, type House } from '../support/house.ts';
import { Command, type Answer } from '../support/installation.ts';
import { until } from '../support/intake.ts';
import { sharedEngines } from '../support/shared-engines.ts';

let house: House;
let project: string;

beforeAll(async () => {
  house = await openHouse({ datasets: [] });
  project = join(house.folder, 'project');
  await mkdir(join(project, 'datasets'), { recursive: true });
  await writeFile(join(project, 'package.json'), '{"type": "module"}\n');
  const declaration = `export { fares as default } from ${JSON.stringify(resolve('test/support/datasets.ts'))};\n`;
  await writeFile(join(project, 'datasets/fares.ts'), declaration);
});
afterAll(() => house[Symbol.asyncDispose]());

/** What to do about `night-failed`, by commands of anybody's: JavaScript, as each step's one argument. */
async function writeRunbook(name: string, steps: Readonly<Record<string, string>>): Promise<void> {
  const given = await readFile(resolve('runbooks/replay-a-day.md'), 'utf8');
  const withoutSteps = given.replaceAll(/```sh[^]*?```\n/g, 'Nothing to type.\n');
  const text = Object.entries(steps).reduce(
    (before, [section, block]) =>
      before.replace(`## ${section}\n`, `## ${section}\n\n\`\`\`sh ${block}\n\`\`\`\n`),
    withoutSteps,
  );
  await mkdir(join(project, 'runbooks'), { recursive: true });
  await writeFile(join(project, 'runbooks', `${name}.md`), text);
}

const GOOD = 'node -e "console.error(42)"';
const BAD = 'node -e "process.exitCode = 7"';

function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NIGHTTRAIN_HOME: house.folder,
    NIGHTTRAIN_DATABASE_URL: house.loaderUrl,
    TEMPORAL_ADDRESS: sharedEngines().temporalAddress,
    TEMPORAL_NAMESPACE: house.name,
    ...more,
  };
}

const start = (line: readonly string[], more?: NodeJS.ProcessEnv) =>
  new Command(line, environment(more), project);
const runbook = (...line: readonly string[]): Promise<Answer> => start(['runbook', ...line]).answer();

/** An alert about no day, as the sweep and the watchdog raise them. */
async function raisedOfNoDay(rule: AlertRule, dataset: string | null): Promise<string> {
  const [alert] = await house.ask<{ code: number }>(
    `insert into nighttrain.alert (rule, severity, dataset, subject, sentence, runbook)
     values ($1, 'critical', $2, gen_random_uuid()::text, 'It is so.', $3) returning code`,
    [rule, dataset, ALERT_RULES[rule].runbook],
  );
  return String(alert?.code);
}

async function raised(date: string): Promise<string> {
  const [alert] = await house.ask<{ code: number }>(
    `insert into nighttrain.alert (rule, severity, dataset, business_date, sentence, runbook)
     values ('night-failed', 'error', 'fares', $1, 'It failed.', 'replay-a-day') returning code`,
    [date],
  );
  return String(alert?.code);
}

describe('a run', () => {
  test('goes through all three sections and keeps the transcript on its alert, without secrets', async () => {
    await writeRunbook('good', {
      Preconditions: `name=look\n${GOOD}`,
      Mitigation: `name=mend vars=dataset,date,reason\nnode -e "console.log(process.argv.slice(1))" $dataset $date "$reason"`,
      Verification: `name=over\nnode -e "console.log(process.env.CARRIER_TOKEN)"`,
    });
    const code = await raised('2024-01-01');
    const line = ['runbook', 'run', 'good', '--yes', '--alert', code];
    const { stdout, stderr, ...ended } = await start(line, { CARRIER_TOKEN: 'seven-dwarfs' }).answer();
    expect({ ...ended, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain('put right, as its Verification shows');
    const [evidence] = await house.ask(
      `select e.runbook, outcome, by_whom, transcript from nighttrain.alert_evidence e join nighttrain.alert using (alert_id)
       where code = $1`,
      [code],
    );
    expect(evidence).toMatchObject({ runbook: 'good', outcome: 'passed' });
    const transcript = String(evidence?.['transcript']);
    expect(transcript).toContain(`[ 'fares', '2024-01-01', 'runbook good, alert ${code}' ]`);
    expect(transcript).toMatch(/\[1\/3\] Preconditions, look[^]*42[^]*\[3\/3\] Verification, over/);
    expect(`${transcript}${stdout}`).not.toContain('seven-dwarfs');
    expect(await house.ask(`select kind, note from nighttrain.alert_event where kind = 'evidence'`)).toEqual([
      { kind: 'evidence', note: 'runbook good passed' },
    ]);
  });

  test('changes nothing where a precondition fails', async () => {
    await writeRunbook('unready', {
      Preconditions: `name=look\n${BAD}`,
      Mitigation: `name=mend\n${GOOD}`,
      Verification: `name=over\n${GOOD}`,
    });
    const { code, stdout, stderr } = await runbook('run', 'unready', '--yes');
    expect(code).toBe(1);
    expect(stderr).toContain('Stopped at Preconditions, look: it ended with exit code 7.');
    expect(stderr).toContain('Nothing was changed: no Mitigation was run.');
    expect(stderr).toMatch(/Escalate when\nThe same error comes back/);
    expect(stdout).not.toContain('42');
  });

  test('whose block fails claims nothing, and says how to take back what was done', async () => {
    await writeRunbook('half', {
      Mitigation: `name=first\n${GOOD}\n\`\`\`\n\n\`\`\`sh name=second\n/no/such/program now`,
      Verification: `name=over\n${GOOD}`,
    });
    const { code, stdout, stderr } = await runbook('run', 'half', '--yes');
    expect(code).toBe(1);
    expect(stderr).toMatch(/Stopped at Mitigation, second: it could not be started: .*ENOENT/);
    expect(stderr).toContain('Mitigation done before it: first. Not verified: take nothing for mended.');
    expect(stderr).toContain('\nRollback\n');
    expect(stdout).not.toContain('put right');
    expect(await house.ask(`select outcome from nighttrain.alert_evidence where runbook = 'half'`)).toEqual([
      { outcome: 'failed' },
    ]);
  });

  test('repeats a look that may take its time until it is so', async () => {
    const script = `const fs = require('fs'); fs.appendFileSync(process.env.FILE, '.'); process.exitCode = Number(fs.readFileSync(process.env.FILE).length < 2)`;
    await writeRunbook('patient', {
      Mitigation: `name=mend\n${GOOD}`,
      Verification: `name=over within=30s\nnode -e "${script}"`,
    });
    const FILE = join(house.folder, 'looks');
    const { code, stdout } = await start(['runbook', 'run', 'patient', '--yes'], { FILE }).answer();
    expect(code).toBe(0);
    expect(stdout).toMatch(/ended with exit code 1 .*\n +Again in 2 s[^]*ended with exit code 0/);
  });

  test('asks before each step, and a no ends it', async () => {
    const child = spawn(
      process.execPath,
      [resolve('bin/nighttrain.js'), 'runbook', 'run', 'good', ...VALUES],
      {
        cwd: project,
        env: environment(),
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdout.resume();
    child.stdin.end('y\nno\n');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(130);
    expect(said.match(/Run it\? \[y\/N\]/g)).toHaveLength(2);
    expect(said).toContain('Stopped at Mitigation, mend.');
  });

  test('where nobody is there to answer says how to do without', async () => {
    const { code, stderr } = await start(['runbook', 'run', 'good', ...VALUES]).answer();
    expect(code).toBe(130);
    expect(stderr).toContain('Nobody is there to answer; to run every step unasked, add --yes.');
  });

  test('that is interrupted has its command end, and claims nothing', async () => {
    await writeRunbook('long', {
      Mitigation: `name=wait\nnode -e "console.log(1); setInterval(Date, 1000)"`,
      Verification: `name=over\n${GOOD}`,
    });
    const run = start(['runbook', 'run', 'long', '--yes']);
    await until(() => run.stdout.includes('  1\n') || run.hasEnded, 30_000);
    run.kill('SIGINT');
    const { code, stderr } = await run.answer();
    expect(code).toBe(130);
    expect(stderr).toContain('Stopped at Mitigation, wait.');
  });

  test('keeps its transcript in a file where PostgreSQL is down', async () => {
    const away = { NIGHTTRAIN_DATABASE_URL: 'postgres://nighttrain_loader:hunter22@127.0.0.1:1/none' };
    const run = await start(['runbook', 'run', 'good', '--yes', '--alert', '4821', ...VALUES], away).answer();
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toContain('Alert 4821 cannot be looked up now');
    const [file = ''] = await readdir(join(house.folder, 'evidence'));
    expect(run.stderr).toContain(file);
    expect(await readFile(join(house.folder, 'evidence', file), 'utf8')).toMatch(
      /passed\n[^]*Mitigation, mend/,
    );
  });

  test('under --dry-run says which commands it would type, and types none', async () => {
    const reason = `it's over; rm -rf /`;
    const line = ['run', 'good', '--dry-run', ...VALUES, '--var', `reason=${reason}`];
    const { code, stdout } = await runbook(...line);
    expect(code).toBe(0);
    expect(stdout).toContain(`fares 2024-01-01 'it'\\''s over; rm -rf /'`);
    expect(stdout).not.toMatch(/^ *42$/m);
  });
});

describe('an alert about no day', () => {
  test.concurrent.each<[AlertRule, string | null]>([
    ['worker-down', null],
    ['control-restarted', null],
    ['alert-storm', null],
    ['temporal-down', null],
    ['warehouse-down', null],
    ['disk-full', null],
    ['ledger-broken', null],
    ['guard-tripped', null],
    ['guard-missing', null],
    ['schedule-paused', 'fares'],
    ['schedule-remade', null],
    ['sms-down', null],
    ['escalation-exhausted', null],
  ])('of the rule %s has a runbook that can be run for it', async (rule, dataset) => {
    const alert = await raisedOfNoDay(rule, dataset);
    const { runbook: name } = ALERT_RULES[rule];
    const { code, stdout } = await runbook('run', name, '--alert', alert, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('Verification, ');
    expect(stdout).not.toMatch(/--date|date=/);
  });

  test('is put right without what is done for a day, which is named', async () => {
    const alert = await raisedOfNoDay('warehouse-down', null);
    const { code, stdout, stderr } = await runbook('run', 'warehouse-down', '--yes', '--alert', alert);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain('left out: Mitigation, take-over; Verification, loaded; Verification, settled');
    expect(stdout).toMatch(/Verification, engines-still-answer[^]*Verification, ledger-is-whole/);
  });

  test('is put right for a day, too, where one is named', async () => {
    const alert = await raisedOfNoDay('disk-full', null);
    const line = ['run', 'disk-full', '--dry-run', '--alert', alert, ...VALUES];
    const { code, stdout, stderr } = await runbook(...line);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Mitigation, load-again');
  });

  test('does not pass for one of a runbook that is about a day alone', async () => {
    const alert = await raisedOfNoDay('night-failed', null);
    const { code, stderr } = await runbook('run', 'replay-a-day', '--yes', '--alert', alert);
    expect(code).toBe(2);
    expect(stderr).toContain('No value is given for dataset, date');
  });
});

const VALUES = ['--var', 'dataset=fares', '--var', 'date=2024-01-01'];

test('a rule that is less severe than its runbook says so in the list', async () => {
  const { stdout } = await runbook('list');
  expect(stdout).toMatch(
    /^sms-down +sms-down \(error\), escalation-exhausted, test-page \(error\) +critical /m,
  );
});

describe('the project’s own runbook', () => {
  test('wins over the one that comes with Night Train', async () => {
    await writeRunbook('zombie-run', {
      Mitigation: `name=mend\n${GOOD}`,
      Verification: `name=over\n${GOOD}`,
    });
    const { stdout } = await runbook('list', '--json');
    const { runbooks } = JSON.parse(stdout) as { runbooks: { name: string; from: string }[] };
    const from = (name: string) => runbooks.find((one) => one.name === name)?.from;
    expect([from('zombie-run'), from('cold-reboot'), from('good')]).toEqual([
      'project',
      'shipped',
      'project',
    ]);
  });

  test('that is broken is named with all of its problems, shown all the same, and never run', async () => {
    await writeFile(join(project, 'runbooks/broken.md'), '# Help\n\n## Mitigation\n\nPanic.\n');
    const [listed, shown, run] = await Promise.all([
      runbook('list'),
      runbook('show', 'broken'),
      runbook('run', 'broken', '--yes'),
    ]);
    expect([listed.code, shown.code, run.code]).toEqual([1, 1, 2]);
    expect(shown.stdout).toContain('Panic.');
    for (const { stderr } of [listed, shown, run]) {
      expect(stderr).toContain('front matter');
      expect(stderr).toContain("broken.md: the section 'Verification' is missing");
    }
  });
});

test.concurrent.each([
  ['a runbook that is none', ['run', 'nonsense'], /no runbook 'nonsense'\nKnown are: .*cold-reboot/],
  ['a variable that is none', ['run', 'replay-a-day', '--var', 'planet=mars'], /no variable 'planet'/],
  [
    'a variable that it does not ask for',
    ['run', 'sms-down', ...VALUES],
    /Nothing here asks for dataset, date/,
  ],
  ['a value that is none', ['run', 'replay-a-day', '--var', 'date=2024-02-30'], /not a day of the calendar/],
  [
    'a value that is given twice',
    ['run', 'replay-a-day', ...VALUES, '--var', 'dataset=trips'],
    /dataset is given twice: fares and trips/,
  ],
  [
    'a value that is missing',
    ['run', 'replay-a-day', '--var', 'dataset=fares'],
    /No value is given for date/,
  ],
  [
    'a dataset that nobody declared',
    ['run', 'replay-a-day', '--var', 'dataset=far', '--var', 'date=2024-01-01'],
    /no dataset 'far'/,
  ],
  ['a code that is none', ['run', 'replay-a-day', '--alert', '12x4'], /not the code of an alert/],
])('%s is wrong usage: exit code 2', async (_, line, says) => {
  const { code, stdout, stderr } = await runbook(...line);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(says);
});

test('an alert that does not exist is said: exit code 1', async () => {
  const { code, stderr } = await runbook('run', 'replay-a-day', '--yes', '--alert', '999999');
  expect(code).toBe(1);
  expect(stderr).toContain('There is no alert 999999');
});
