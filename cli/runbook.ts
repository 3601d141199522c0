import type { Command } from 'commander';
import { findRunbooks, readRunbook, type RunbookFile } from '../alerting/runbook/runbook-files.ts';
import { parseRunbook, type Runbook } from '../alerting/runbook/runbook.ts';
import { ALERT_RULES, type AlertRule, type Severity } from '../rules/alert-rules.ts';
import { ConfigurationError } from '../rules/errors.ts';
import { readConfig } from '../worker/config.ts';
import { Output } from './output.ts';
import { renderMarkdown } from './render-markdown.ts';
import { addRunbookRun } from './runbook-run.ts';

export function addRunbook(program: Command): void {
  const runbook = program.command('runbook').description('what to do when an alert fires, and doing it');
  runbook
    .command('list')
    .description('every runbook: those that come with Night Train, and the project’s own, which win')
    .option('--json', 'one JSON document on stdout')
    .action(list);
  runbook
    .command('show')
    .argument('<name>', 'as the alert names it')
    .description('the whole runbook, to read')
    .action(show);
  addRunbookRun(runbook);
}

/** Exit code 1 where one of them is broken: it is wanted on the worst night. */
async function list({ json = false }: { readonly json?: boolean }): Promise<void> {
  const output = new Output(json);
  const files = await findRunbooks(readConfig().projectRoot);
  const found = await Promise.all(
    [...files.values()].map(async (file) => ({ file, ...(await judge(files, file)) })),
  );
  output.table(
    ['runbook', 'alerts', 'severity', 'deadline', 'from'],
    found.map(({ file, runbook }) => [
      file.name,
      runbook?.rules.map((rule) => ruleShown(rule, runbook.severity)).join(', '),
      runbook?.severity ?? 'broken',
      runbook?.deadline,
      file.from,
    ]),
  );
  output.line('\nTo read one: npx nighttrain runbook show <name>');
  for (const { problem } of found) if (problem) output.error(problem);
  output.document({
    runbooks: found.map(({ file, runbook, problem }) => ({
      name: file.name,
      from: file.from,
      title: runbook?.title ?? null,
      rules: runbook?.rules ?? [],
      severity: runbook?.severity ?? null,
      deadline: runbook?.deadline ?? null,
      approvedBy: runbook?.approvedBy ?? null,
      problems: problem?.detail?.split('\n') ?? [],
    })),
  });
  if (found.some(({ problem }) => problem)) process.exitCode = 1;
}

/** Of several rules the runbook has the worst severity: one that is less says so. */
function ruleShown(rule: AlertRule, severity: Severity): string {
  const own = ALERT_RULES[rule].severity;
  return own === severity ? rule : `${rule} (${own})`;
}

async function judge(
  files: ReadonlyMap<string, RunbookFile>,
  { name }: RunbookFile,
): Promise<{ readonly runbook?: Runbook; readonly problem?: ConfigurationError }> {
  const text = await readRunbook(files, name);
  try {
    return { runbook: parseRunbook(name, text) };
  } catch (error) {
    if (error instanceof ConfigurationError) return { problem: error };
    throw error;
  }
}

/** A broken one is shown all the same: at 3 a.m. its text is worth more than its form. */
async function show(name: string): Promise<void> {
  const output = new Output(false);
  const files = await findRunbooks(readConfig().projectRoot);
  const text = await readRunbook(files, name);
  output.line(renderMarkdown(text, { isColored: process.stdout.isTTY }));
  try {
    parseRunbook(name, text);
  } catch (error) {
    output.error(error);
    process.exitCode = 1;
  }
}
