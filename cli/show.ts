import { findDataset } from '../rules/find-dataset.ts';
import type { Command } from 'commander';
import type { BusinessDate } from '../rules/business-date.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { readStory, type AttemptStory, type BatchStory, type DayStory } from '../warehouse/show.ts';
import { nothingKnown } from './closed-attempt.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';

export function addShow(program: Command): void {
  program
    .command('show')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description(
      'every attempt of a day, its counts, what was rejected and why, and which version is published',
    )
    .option('--json', 'one JSON document on stdout')
    .action(show);
}

async function show(
  name: string,
  businessDate: BusinessDate,
  options: { readonly json?: boolean },
): Promise<void> {
  const output = new Output(options.json ?? false);
  await withInstallation(async ({ datasets, warehouse, temporal, temporalUiUrl }) => {
    const day = { dataset: findDataset(datasets, name).name, businessDate };
    const story = await readStory(warehouse, day);
    if (story.attempts.length === 0 && story.batches.length === 0) throw nothingKnown(day);
    const linkOf = ({ workflowId, runId }: AttemptStory) =>
      temporalUiUrl === undefined
        ? null
        : `${temporalUiUrl}/namespaces/${temporal.namespace}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
    const attempts = story.attempts.map((attempt) => ({ ...attempt, workflowUrl: linkOf(attempt) }));
    print(day, { ...story, attempts }, output);
    output.document({ ...day, attemptsInAll: story.attemptsInAll, attempts, batches: story.batches });
  });
}

type Shown = AttemptStory & { readonly workflowUrl: string | null };

function print(
  day: DatasetDay,
  { attempts, attemptsInAll, batches }: Omit<DayStory, 'attempts'> & { readonly attempts: readonly Shown[] },
  output: Output,
): void {
  const published = batches.find(({ isPublished }) => isPublished);
  output.line(
    published
      ? `${dayLabel(day)}: published is load ${published.loadId}, committed ${published.committedAt}`
      : `${dayLabel(day)}: nothing is published`,
  );
  const left = attemptsInAll - attempts.length;
  if (left > 0) output.line(`(${left} earlier attempts are not shown)`);
  for (const [index, attempt] of attempts.entries()) printAttempt(left + index + 1, attempt, output);
  if (batches.length > 0) output.line();
  for (const batch of batches) printBatch(batch, output);
}

function printAttempt(number: number, attempt: Shown, output: Output): void {
  const { kind, state, startedAt, endedAt, epoch, loadEpoch, counts, error } = attempt;
  output.line();
  output.line(`Attempt ${number}, by ${kind}: ${state}`);
  const field = (name: string, value: string) => output.line(`  ${name.padEnd(10)} ${value}`);
  field('time', `${startedAt} to ${endedAt ?? 'now'}`);
  field('epoch', loadEpoch === null ? String(epoch) : `${epoch}, loading as ${loadEpoch}`);
  const figures = Object.entries(counts).filter(([, rows]) => rows !== null);
  if (figures.length > 0) field('rows', figures.map(([name, rows]) => `${rows} ${name}`).join(', '));
  for (const [rule, rows] of byCount(attempt.rejectedByRule)) field('rejected', `${rows} ${rule}`);
  for (const warning of attempt.warnings) field('warning', warning);
  for (const { audit, severity, rowsFound } of attempt.audits) {
    field('audit', `${audit} (${severity}): ${rowsFound === 0 ? 'good' : `${rowsFound} rows found`}`);
  }
  for (const line of error ? [error.message, error.detail, error.hint] : []) if (line) field('error', line);
  field('workflow', `${attempt.workflowId}, run ${attempt.runId}`);
  if (attempt.workflowUrl !== null) field('', attempt.workflowUrl);
}

function printBatch(batch: BatchStory, output: Output): void {
  const { loadId, isPublished, tableName, foldedInto, counts, committedAt, link, links, hash } = batch;
  output.line(`Batch ${loadId}: ${isPublished ? 'published' : 'replaced'}, ${counts.loaded} rows`);
  output.line(`  table      ${tableName}${foldedInto === null ? '' : `, folded into ${foldedInto}`}`);
  output.line(
    `  committed  ${committedAt}, link ${link} of ${links} in the audit chain (${hash.slice(0, 16)}…)`,
  );
  output.line(`  content    sha256 ${batch.contentSha256}`);
}

function byCount(rules: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(rules).sort(([, a], [, b]) => b - a);
}
