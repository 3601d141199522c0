import { parse, YAMLError } from 'yaml';
import { z } from 'zod';
import { ALERT_RULES, type AlertRule, type Severity } from '../../rules/alert-rules.ts';
import { ConfigurationError } from '../../rules/errors.ts';
import { isStepVariable, STEP_VARIABLES, type StepVariable } from '../../rules/step-variables.ts';
import { parseCommandLine, variablesOf, type CommandLine } from './command-line.ts';
import { readMarkdown, type Fence, type Section } from './markdown.ts';

/** What every runbook says, in this order. */
export const SECTIONS = [
  'Alert',
  'Meaning',
  'Impact',
  'Safe to wait?',
  'Preconditions',
  'First five minutes',
  'Decision table',
  'Mitigation',
  'Verification',
  'Rollback',
  'Escalate when',
  'Evidence',
  'Last game day',
] as const;
export type SectionTitle = (typeof SECTIONS)[number];

/** Where commands may stand. `runbook run` takes the first, the third and the fourth; the others are for a person. */
const STEP_SECTIONS = [
  'Preconditions',
  'First five minutes',
  'Mitigation',
  'Verification',
  'Rollback',
] as const;
export type StepSection = (typeof STEP_SECTIONS)[number];

/** At 3 a.m. nobody types more. */
const MOST_MITIGATIONS = 3;

/** One command, by name. */
export interface Step {
  readonly section: StepSection;
  readonly name: string;
  readonly variables: readonly StepVariable[];
  readonly command: CommandLine;
  /** How long it may take until it is so: it is repeated until then. Milliseconds; 0 where it is run once. */
  readonly withinMs: number;
}

/** A runbook that passed the validator. */
export interface Runbook {
  /** Of its file, without `.md`. */
  readonly name: string;
  readonly title: string;
  readonly rules: readonly AlertRule[];
  readonly severity: Severity;
  /** How long it may take until it is put right, in words: `30 minutes`. */
  readonly deadline: string;
  readonly approvedBy: string;
  readonly steps: readonly Step[];
  readonly sections: Readonly<Record<SectionTitle, string>>;
}

const RULES = Object.keys(ALERT_RULES) as readonly AlertRule[];
const rule = z.string().refine((name): name is AlertRule => (RULES as readonly string[]).includes(name), {
  error: ({ input }) => `'${String(input)}' is no rule that raises an alert`,
});
const frontMatter = z.strictObject({
  rule: z.union([rule, z.array(rule).min(1)]),
  severity: z.enum(['warn', 'error', 'critical']),
  deadline: z.string().regex(/^[1-9]\d{0,2} (minute|hour)s?$/, 'is not like 30 minutes, or 4 hours'),
  'approved by': z.string().min(1),
});

/** @throws ConfigurationError naming every problem at once */
export function parseRunbook(name: string, text: string): Runbook {
  const problems: string[] = [];
  const { head, title, sections } = readMarkdown(text);
  if (title === undefined) problems.push('it has no title: # …');
  const front = readFrontMatter(head, problems);
  const texts = readSections(sections, problems);
  const steps = sections.flatMap((section) => stepsOf(section, problems));
  checkSteps(steps, problems);
  if (problems.length === 0 && front && title !== undefined) {
    return { name, title, ...front, steps, sections: texts };
  }
  throw new ConfigurationError(`The runbook ${name} is not as runbooks are`, {
    detail: problems.map((problem) => `${name}.md: ${problem}`).join('\n'),
    hint: 'Correct what is named; a good one to go by: npx nighttrain runbook show replay-a-day',
  });
}

function readFrontMatter(head: string | undefined, problems: string[]) {
  if (head === undefined) {
    problems.push('it does not begin with front matter between two lines of ---');
    return undefined;
  }
  let value: unknown;
  try {
    value = parse(head);
  } catch (error) {
    if (!(error instanceof YAMLError)) throw error;
    problems.push(`front matter: ${error.message.split('\n')[0]}`);
    return undefined;
  }
  const parsed = frontMatter.safeParse(value);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues)
      problems.push(`front matter: ${[...path, message].join(' ')}`);
    return undefined;
  }
  const { rule: named, severity, deadline, 'approved by': approvedBy } = parsed.data;
  const rules = [named].flat();
  const worst = worstOf(rules);
  if (severity !== worst) problems.push(`front matter: severity is ${severity}, of its rules ${worst}`);
  return { rules, severity, deadline, approvedBy };
}

function worstOf(rules: readonly AlertRule[]): Severity {
  const severities = rules.map((one): Severity => ALERT_RULES[one].severity);
  return (['critical', 'error'] as const).find((one) => severities.includes(one)) ?? 'warn';
}

function readSections(sections: readonly Section[], problems: string[]): Record<SectionTitle, string> {
  const known: readonly string[] = SECTIONS;
  const titles = sections.map(({ title }) => title);
  for (const { title, line } of sections)
    if (!known.includes(title)) problems.push(`line ${line}: no runbook has a section '${title}'`);
  for (const title of SECTIONS)
    if (!titles.includes(title)) problems.push(`the section '${title}' is missing`);
  for (const [index, { title, line, text }] of sections.entries()) {
    if (titles.indexOf(title) !== index) problems.push(`line ${line}: the section '${title}' is there twice`);
    if (text.trim() === '') problems.push(`line ${line}: the section '${title}' is empty`);
  }
  const ordered = titles.filter((title) => known.includes(title));
  if (
    ordered.some(
      (title, index) => index > 0 && known.indexOf(title) < known.indexOf(ordered[index - 1] ?? ''),
    )
  )
    problems.push(`the sections stand in another order than ${SECTIONS.join(', ')}`);
  return Object.fromEntries(sections.map(({ title, text }) => [title, text.trim()])) as Record<
    SectionTitle,
    string
  >;
}

/** The commands of a section: its fenced blocks in the language `sh`. Other blocks are for reading. */
function stepsOf({ title, fences }: Section, problems: string[]): Step[] {
  return fences.flatMap((fence) => {
    if (fence.language !== 'sh') return [];
    const say = (problem: string) => void problems.push(`line ${fence.line}: ${problem}`);
    const section = STEP_SECTIONS.find((one) => one === title);
    if (!section) say(`a command may stand in ${STEP_SECTIONS.join(', ')}, and not in ${title}`);
    const { name, variables, withinMs } = readInfo(fence, say);
    const command = readCommand(fence, say);
    if (!section || name === undefined || !command) return [];
    for (const used of variablesOf(command).filter((one) => !variables.includes(one as StepVariable)))
      say(`the command names $${used}, which vars= does not`);
    for (const unused of variables.filter((one) => !variablesOf(command).includes(one)))
      say(`vars= names ${unused}, which the command does not`);
    if (withinMs > 0 && section === 'Mitigation')
      say('what changes something is run once: within= is for looks');
    return [{ section, name, variables, command, withinMs }];
  });
}

/** `name=replay vars=dataset,date within=60s` */
function readInfo({ info }: Fence, say: (problem: string) => void) {
  let name: string | undefined;
  let withinMs = 0;
  const variables: StepVariable[] = [];
  for (const pair of info.split(/\s+/).filter(Boolean)) {
    const [key = '', value = ''] = pair.split('=');
    if (key === 'name' && /^[a-z][a-z0-9-]{0,39}$/.test(value)) name = value;
    else if (key === 'name') say(`'${value}' is no name of a step: a to z, 0 to 9 and -`);
    else if (key === 'within' && /^[1-9]\d{0,2}s$/.test(value)) withinMs = Number.parseInt(value, 10) * 1000;
    else if (key !== 'vars') say(`'${pair}' is none of name=replay, vars=dataset,date, within=60s`);
    else {
      for (const variable of value.split(',')) {
        if (isStepVariable(variable)) variables.push(variable);
        else say(`there is no variable '${variable}': known are ${STEP_VARIABLES.join(', ')}`);
      }
    }
  }
  if (!/(^|\s)name=/.test(info)) say('a command without name=');
  return { name, variables, withinMs };
}

function readCommand({ lines }: Fence, say: (problem: string) => void): CommandLine | undefined {
  const commands = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (commands.length !== 1) {
    say(`a block holds one command, this one ${commands.length}`);
    return undefined;
  }
  try {
    return parseCommandLine(commands[0] ?? '');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    say(error.message);
    return undefined;
  }
}

function checkSteps(steps: readonly Step[], problems: string[]): void {
  for (const [index, { name }] of steps.entries()) {
    if (steps.findIndex((other) => other.name === name) !== index)
      problems.push(`two commands are named ${name}`);
  }
  const count = (section: StepSection) => steps.filter((step) => step.section === section).length;
  if (count('Mitigation') === 0) problems.push('Mitigation has no command');
  if (count('Mitigation') > MOST_MITIGATIONS)
    problems.push(
      `Mitigation has ${count('Mitigation')} commands; at most ${MOST_MITIGATIONS} are typed at 3 a.m.`,
    );
  if (count('Verification') === 0) problems.push('Verification has no command');
}
