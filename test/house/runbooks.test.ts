import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { argumentsOf } from '../../alerting/runbook/command-line.ts';
import { findRunbooks, readRunbook } from '../../alerting/runbook/runbook-files.ts';
import { parseRunbook, type Runbook } from '../../alerting/runbook/runbook.ts';
import { ALERT_RULES } from '../../rules/alert-rules.ts';
import { readQuestions } from '../../warehouse/emergency.ts';
import { INCIDENTS } from '../gameday/incidents.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const VALUES = { dataset: 'flights', date: '2013-02-08', code: '1001', reason: 'to see' };
let runbooks: readonly Runbook[];

beforeAll(async () => {
  const files = await findRunbooks(ROOT);
  runbooks = await Promise.all(
    [...files.keys()].map(async (name) => parseRunbook(name, await readRunbook(files, name))),
  );
});

describe('the runbooks', () => {
  test('are sixteen, and every one is as runbooks are', () => {
    expect(runbooks.map(({ name }) => name)).toHaveLength(16);
  });

  test.each(Object.entries(ALERT_RULES))(
    'of the rule %s is there, and says that it is for it',
    (rule, { runbook }) => {
      const found = runbooks.find(({ name }) => name === runbook);
      expect(found?.rules).toContain(rule);
    },
  );

  test('type commands of nighttrain alone, with options that these have', async () => {
    const commands = runbooks.flatMap(({ steps }) =>
      steps.map(({ command }) => argumentsOf(command, VALUES)),
    );
    expect(commands.filter(([npx, nighttrain]) => npx !== 'npx' || nighttrain !== 'nighttrain')).toEqual([]);
    const options = new Map<string, Set<string>>();
    for (const [, , command = '', ...rest] of commands) {
      const isGroup = ['quarantine', 'zombie', 'alert', 'runbook', 'audit'].includes(command);
      const name = isGroup ? `${command} ${rest[0]}` : command;
      const known = options.get(name) ?? new Set<string>();
      for (const word of rest) if (word.startsWith('--')) known.add(word);
      options.set(name, known);
    }
    const wrong = await Promise.all(
      [...options].map(async ([name, used]) => {
        const help = await helpOf(name.split(' '));
        return [...used]
          .filter((option) => !help.includes(`${option} `))
          .map((option) => `${name} ${option}`);
      }),
    );
    expect(wrong.flat()).toEqual([]);
  });

  test('resume no schedule that somebody has paused: that is for whoever has asked why', () => {
    const typed = runbooks.flatMap(({ steps }) => steps.map(({ command }) => argumentsOf(command, VALUES)));
    expect(typed.filter(([, , command]) => command === 'resume')).toEqual([]);
  });

  test('show what has fired before they end everything', () => {
    const reboot = runbooks.find(({ name }) => name === 'cold-reboot');
    const typed = (reboot?.steps ?? []).map(({ command }) =>
      argumentsOf(command, VALUES).slice(2, 4).join(' '),
    );
    expect(typed.indexOf('alert list')).toBe(0);
    expect(typed.indexOf('cold-reboot --replay-last')).toBeGreaterThan(0);
  });

  test('are played on the game day, each by the incident that is named like it', () => {
    const played = INCIDENTS.map(({ runbook }) => runbook);
    const names = runbooks.map(({ name }) => name);
    expect(played.toSorted()).toEqual(names);
  });

  test('ask questions that the emergency toolkit has, with what they must be told', async () => {
    const questions = await readQuestions();
    for (const { name, steps } of runbooks) {
      for (const { command } of steps) {
        const [, , sql, question = '', ...rest] = argumentsOf(command, VALUES);
        if (sql !== 'sql') continue;
        const told = rest.flatMap((word) => /^(\w+)=/.exec(word)?.[1] ?? []);
        expect({ name, question, told }).toEqual({
          name,
          question,
          told: questions.get(question)?.variables,
        });
      }
    }
  });

  test('every question of the toolkit says what it answers, and why it is safe', async () => {
    for (const { name, about } of (await readQuestions()).values())
      expect({ name, about }).toEqual({ name, about: expect.stringMatching(/Safe: /) as unknown });
  });
});

async function helpOf(name: readonly string[]): Promise<string> {
  const args = [join(ROOT, 'bin/nighttrain.js'), ...name, '--help'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  expect(stdout).toContain(`Usage: nighttrain ${name.join(' ')} `);
  return stdout;
}
