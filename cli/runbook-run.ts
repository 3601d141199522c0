import { Option, type Command } from 'commander';
import { argumentsOf, typed } from '../alerting/runbook/command-line.ts';
import type { AlertOfRun } from '../alerting/archive/evidence.ts';
import { redactor } from '../alerting/redact.ts';
import { findRunbooks, readRunbook } from '../alerting/runbook/runbook-files.ts';
import { parseRunbook, type Runbook, type Step } from '../alerting/runbook/runbook.ts';
import { runSteps, stepsOfRun, type RunEnd } from '../alerting/runbook/run-runbook.ts';
import { Transcript } from '../alerting/runbook/transcript.ts';
import type { StepValues } from '../rules/step-variables.ts';
import { readConfig } from '../worker/config.ts';
import { loadDatasets } from '../worker/project.ts';
import { secretsOf } from '../worker/secrets.ts';
import { codeNamed } from './alert-engines.ts';
import { Answers } from './answers.ts';
import { Output } from './output.ts';
import { requestedBy } from './requests.ts';
import { alertOfRun, keepTranscript } from './runbook-evidence.ts';
import { chooseSteps } from './runbook-steps.ts';
import { StopRequest } from './signals.ts';
import { checkValues, collectValue, refuseUnwanted } from './step-values.ts';

interface RunOptions {
  readonly dryRun?: boolean;
  readonly verify?: boolean;
  readonly yes?: boolean;
  readonly var?: StepValues;
  readonly alert?: number;
}

const INTERRUPTED = 130;

export function addRunbookRun(runbook: Command): void {
  runbook
    .command('run')
    .argument('<name>', 'as the alert names it')
    .description(
      'goes through Preconditions, Mitigation and Verification step by step, and stops at the first that fails',
    )
    .option('--var <name=value>', 'what its commands must be told; may be given several times', collectValue)
    .option(
      '--alert <code>',
      'the alert it is for: it tells dataset and date, and keeps the transcript',
      codeNamed,
    )
    .option('--yes', 'do not ask before each step')
    .addOption(new Option('--verify', 'the Verification alone: is it over?').conflicts('dryRun'))
    .option('--dry-run', 'say which commands would be run, and run none')
    .action(run);
}

async function run(name: string, options: RunOptions): Promise<void> {
  const output = new Output(false);
  const config = readConfig();
  const runbook = parseRunbook(name, await readRunbook(await findRunbooks(config.projectRoot), name));
  const isVerifyOnly = options.verify ?? false;
  refuseUnwanted([...new Set(runbook.steps.flatMap(({ variables }) => variables))], options.var ?? {});
  const alert = options.alert === undefined ? undefined : await alertOfRun(options.alert, runbook, output);
  const given = { ...valuesOf(runbook, options.alert, alert), ...options.var };
  const { steps, leftOut } = chooseSteps(stepsOfRun(runbook, isVerifyOnly), alert, given);
  if (leftOut.length > 0) output.note(sayLeftOut(leftOut));
  const wanted = [...new Set(steps.flatMap(({ variables }) => variables))];
  const values = checkValues(wanted, given, await loadDatasets(config.projectRoot));
  if (options.dryRun) {
    for (const { section, name: step, command } of steps)
      output.line(`${section}, ${step}\n  $ ${typed(argumentsOf(command, values))}`);
    return;
  }
  using stop = StopRequest.listen();
  using answers = options.yes || isVerifyOnly ? undefined : new Answers(stop.signal);
  const transcript = new Transcript(redactor(secretsOf(config)));
  const startedAt = new Date();
  const end = await runSteps(steps, {
    values,
    nighttrain: [process.execPath, process.argv[1] ?? ''],
    isVerifyOnly,
    transcript,
    say: (line) => output.line(line),
    mayRun: async () => !stop.signal.aborted && (answers === undefined || (await answers.isYes('Run it?'))),
    signal: stop.signal,
  });
  say(runbook, steps, end, isVerifyOnly, output);
  if (answers?.hasEnded) output.note('\nNobody is there to answer; to run every step unasked, add --yes.');
  if (isVerifyOnly && options.alert === undefined) return; // a look is no evidence
  const { outcome } = end;
  const evidence = {
    runbook: name,
    outcome,
    by: requestedBy(),
    startedAt,
    transcript: transcript.toString(),
  };
  await keepTranscript(config, options.alert, evidence, output);
}

function sayLeftOut(steps: readonly Step[]): string {
  const names = steps.map(({ section, name }) => `${section}, ${name}`).join('; ');
  return `The alert is about no day, so what is done for a day is left out: ${names}.\nFor one that is missing: --var dataset=… --var date=…\n`;
}

/** What nobody needs to type. */
function valuesOf({ name }: Runbook, code: number | undefined, alert: AlertOfRun | undefined): StepValues {
  return {
    reason: code === undefined ? `runbook ${name}` : `runbook ${name}, alert ${code}`,
    ...(code !== undefined && { code: String(code) }),
    ...(alert?.dataset != null && { dataset: alert.dataset }),
    ...(alert?.businessDate != null && { date: alert.businessDate }),
  };
}

/** What came of it, and what to do next. Nothing is claimed that a Verification has not shown. */
function say(
  runbook: Runbook,
  steps: readonly Step[],
  end: RunEnd,
  isVerifyOnly: boolean,
  output: Output,
): void {
  const { name, title, sections } = runbook;
  if (end.outcome === 'passed') {
    output.line(`\n${title}: put right, as its Verification shows.`);
    if (!isVerifyOnly)
      output.line(`What to keep and whom to tell: npx nighttrain runbook show ${name}\n${sections.Evidence}`);
    return;
  }
  const { at } = end;
  const done = steps.slice(0, steps.indexOf(at)).filter(({ section }) => section === 'Mitigation');
  process.exitCode = end.outcome === 'stopped' ? INTERRUPTED : 1;
  output.note(
    end.outcome === 'stopped'
      ? `\nStopped at ${at.section}, ${at.name}.`
      : `\nStopped at ${at.section}, ${at.name}: it ${end.why}.`,
  );
  if (isVerifyOnly) return output.note(`It is not over. What to do: npx nighttrain runbook show ${name}`);
  if (at.section === 'Preconditions') output.note('Nothing was changed: no Mitigation was run.');
  else
    output.note(
      `Mitigation done before it: ${done.map((step) => step.name).join(', ') || 'none'}. Not verified: take nothing for mended.`,
    );
  output.note(`The whole runbook, with its decision table: npx nighttrain runbook show ${name}`);
  if (at.section !== 'Preconditions') output.note(`\nRollback\n${sections.Rollback}`);
  output.note(`\nEscalate when\n${sections['Escalate when']}`);
}
