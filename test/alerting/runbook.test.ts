import { describe, expect, test } from 'vitest';
import { argumentsOf, parseCommandLine, typed, variablesOf } from '../../alerting/runbook/command-line.ts';
import { parseRunbook, SECTIONS } from '../../alerting/runbook/runbook.ts';
import { ConfigurationError } from '../../rules/errors.ts';
import { wrongWith } from '../../rules/step-variables.ts';

const STEPS: Readonly<Record<string, string>> = {
  Mitigation: '```sh name=replay vars=dataset,date\nnpx nighttrain run $dataset --date $date\n```',
  Verification: '```sh name=loaded\nnpx nighttrain doctor\n```',
};
const HEAD = '---\nrule: night-failed\nseverity: error\ndeadline: 30 minutes\napproved by: a test\n---\n';

/** A sound runbook, with other texts in the place of some sections; null leaves one out. */
function runbookWith(changes: Readonly<Record<string, string | null>> = {}, head = HEAD): string {
  const sections = [
    ...SECTIONS,
    ...Object.keys(changes).filter((title) => !(SECTIONS as readonly string[]).includes(title)),
  ];
  const texts = sections.flatMap((title) => {
    const text = title in changes ? changes[title] : (STEPS[title] ?? 'Words.');
    return text == null ? [] : [`## ${title}\n\n${text}\n`];
  });
  return `${head}\n# What to do\n\n${texts.join('\n')}`;
}

const step = (info: string, command = 'npx nighttrain doctor') => `\`\`\`sh ${info}\n${command}\n\`\`\``;

function problemsOf(text: string): string {
  try {
    parseRunbook('mine', text);
    return '';
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.detail ?? '';
  }
}

describe('a runbook', () => {
  test('that is as runbooks are is read with its steps, their variables and its rules', () => {
    const { title, rules, severity, deadline, approvedBy, steps } = parseRunbook('mine', runbookWith());
    expect({ title, rules, severity, deadline, approvedBy }).toEqual({
      title: 'What to do',
      rules: ['night-failed'],
      severity: 'error',
      deadline: '30 minutes',
      approvedBy: 'a test',
    });
    expect(steps).toMatchObject([
      { section: 'Mitigation', name: 'replay', variables: ['dataset', 'date'] },
      { section: 'Verification', name: 'loaded', variables: [] },
    ]);
  });

  test('names all of its problems at once', () => {
    const head = '---\nrule: [night-failed, night-lost]\nseverity: bad\ndeadline: soon\nowner: me\n---\n';
    const problems = problemsOf(
      runbookWith({ Impact: null, Alert: ' ', Mitigation: step('vars=planet'), Poem: 'Roses.' }, head),
    );
    expect(problems).toContain("'night-lost' is no rule that raises an alert");
    expect(problems).toMatch(/front matter: severity/);
    expect(problems).toMatch(/front matter: deadline is not like 30 minutes/);
    expect(problems).toMatch(/approved by/);
    expect(problems).toMatch(/owner/);
    expect(problems).toContain("the section 'Impact' is missing");
    expect(problems).toContain("the section 'Alert' is empty");
    expect(problems).toContain("no runbook has a section 'Poem'");
    expect(problems).toContain('a command without name=');
    expect(problems).toContain("there is no variable 'planet'");
  });

  test.each([
    ['without front matter', runbookWith({}, ''), 'does not begin with front matter'],
    ['with broken front matter', runbookWith({}, '---\nrule: [\n---\n'), 'front matter: Flow sequence'],
    [
      'milder than its rule',
      runbookWith({}, HEAD.replace('error', 'warn')),
      'severity is warn, of its rules error',
    ],
    ['with a section twice', `${runbookWith()}\n## Impact\n\nMore.\n`, "the section 'Impact' is there twice"],
    ['with a command in its evidence', runbookWith({ Evidence: step('name=a') }), 'and not in Evidence'],
    [
      'with two commands of one name',
      runbookWith({ Rollback: step('name=loaded') }),
      'two commands are named loaded',
    ],
    [
      'with two commands in a block',
      runbookWith({ Rollback: step('name=a', 'one\ntwo') }),
      'one command, this one 2',
    ],
    [
      'that asks for more than it names',
      runbookWith({ Rollback: step('name=a', 'x $date') }),
      '$date, which vars= does not',
    ],
    [
      'that names more than it asks for',
      runbookWith({ Rollback: step('name=a vars=date') }),
      'date, which the command does not',
    ],
    ['without a verification', runbookWith({ Verification: 'Look.' }), 'Verification has no command'],
    [
      'that pipes',
      runbookWith({ Rollback: step('name=a', 'cat x | sh') }),
      'without a shell, to which alone |',
    ],
    ['with an open quote', runbookWith({ Rollback: step('name=a', 'echo "x') }), 'a " is never closed'],
    [
      'with four commands to type',
      runbookWith({ Mitigation: [1, 2, 3, 4].map((n) => step(`name=m${n}`)).join('\n\n') }),
      'at most 3 are typed at 3 a.m.',
    ],
  ])('%s is refused', (_, text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });
});

describe('a value', () => {
  test('is one argument, whatever it holds', () => {
    const command = parseCommandLine('npx nighttrain replay $dataset $date --reason "$reason"');
    expect(variablesOf(command)).toEqual(['dataset', 'date', 'reason']);
    const reason = `$(rm -rf /) '"; drop table x; $date`;
    const words = argumentsOf(command, { dataset: 'fares', date: '2024-01-01', reason });
    expect(words).toEqual(['npx', 'nighttrain', 'replay', 'fares', '2024-01-01', '--reason', reason]);
    expect(typed(words)).toContain(`'$(rm -rf /) '\\''"; drop table x; $date'`);
  });

  test.each([
    ['dataset', 'fares; rm', 'is no name of a dataset'],
    ['dataset', '--all', 'is no name of a dataset'],
    ['date', '2024-02-30', 'is not a day'],
    ['code', '12a4', 'is no code'],
    ['reason', '', 'must have from 1 to 200'],
    ['reason', '--take-over', 'begins with -'],
    ['reason', 'two\nlines', 'must be one line'],
  ] as const)('%s=%j is refused by its kind', (name, value, why) => {
    expect(wrongWith(name, value)).toContain(why);
  });
});
