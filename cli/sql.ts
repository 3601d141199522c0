import type { Command } from 'commander';
import type { StepValues } from '../rules/step-variables.ts';
import { ask, findQuestion, readQuestions, type Question } from '../warehouse/emergency.ts';
import { openCommandWarehouse } from './installation.ts';
import { findDatabases } from './databases.ts';
import { plural } from './figures.ts';
import { Output } from './output.ts';
import { checkValues, collectValue, refuseUnwanted } from './step-values.ts';

interface SqlOptions {
  readonly var?: StepValues;
  readonly failOnRows?: boolean;
  readonly json?: boolean;
}

export function addSql(program: Command): void {
  program
    .command('sql')
    .argument('[name]', 'the question; without one they are listed')
    .description(
      'asks the warehouse a question of the emergency toolkit: read-only, bounded, safe at any hour',
    )
    .option('--var <name=value>', 'what the question must be told; may be given several times', collectValue)
    .option('--fail-on-rows', 'exit code 1 where the answer has a row: for questions whose rows mean trouble')
    .option('--json', 'one JSON document on stdout')
    .action(sql);
}

async function sql(name: string | undefined, options: SqlOptions): Promise<void> {
  const output = new Output(options.json ?? false);
  const questions = await readQuestions();
  if (name === undefined) return list(questions, output);
  const question = findQuestion(questions, name);
  refuseUnwanted(question.variables, options.var ?? {});
  const { databases, datasets } = await findDatabases();
  const values = checkValues(question.variables, options.var ?? {}, datasets);
  const warehouse = await openCommandWarehouse({ databases });
  try {
    const { rows, isCut } = await ask(warehouse, question, values);
    print(rows, output);
    if (isCut) output.note(`Only the first ${rows.length} rows are shown.`);
    output.document({ name, rows, isCut });
    if (options.failOnRows && rows.length > 0) process.exitCode = 1;
  } finally {
    await warehouse.destroy();
  }
}

function list(questions: ReadonlyMap<string, Question>, output: Output): void {
  for (const { name, about, variables } of questions.values()) {
    output.line(`npx nighttrain sql ${name}${variables.map((one) => ` --var ${one}=…`).join('')}`);
    output.line(`  ${about.replaceAll('\n', '\n  ')}`);
  }
  output.document({
    questions: [...questions.values()].map(({ name, about, variables }) => ({ name, about, variables })),
  });
}

function print(rows: readonly Record<string, unknown>[], output: Output): void {
  const headings = Object.keys(rows[0] ?? {});
  if (rows.length > 0)
    output.table(
      headings,
      rows.map((row) => headings.map((heading) => cellOf(row[heading]))),
    );
  output.line(rows.length === 0 ? 'No rows.' : plural(rows.length, 'row'));
}

function cellOf(value: unknown): string | number | null {
  if (value === null || typeof value === 'number' || typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value);
}
