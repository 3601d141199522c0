import type { DataSource } from 'typeorm';
import { UsageError } from '../rules/errors.ts';
import { isStepVariable, type StepValues, type StepVariable } from '../rules/step-variables.ts';
import { warehouseError } from './failure.ts';
import { ownFolder, readSqlFiles, type SqlFile } from './sql-files.ts';

/** A question of the emergency toolkit: read-only, safe at any hour. */
export interface Question {
  readonly name: string;
  /** The comment at its head: what it answers, and what its rows mean. */
  readonly about: string;
  /** What it must be told, in the order of its parameters. */
  readonly variables: readonly StepVariable[];
  /** With `$1`, `$2` in the place of variables. */
  readonly sql: string;
}

/** Nobody waits longer for an answer at 3 a.m. */
const LONGEST_ANSWER_SECONDS = 60;
const MOST_ROWS = 500;

/** Every question by name. */
export async function readQuestions(): Promise<ReadonlyMap<string, Question>> {
  const files = await readSqlFiles(ownFolder('emergency'));
  return new Map(files.map((file) => [file.name, questionOf(file)]));
}

/** `:dataset` becomes a parameter; `::date` is a cast and stays. */
function questionOf({ name, sql: text }: SqlFile): Question {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => !line.startsWith('--'));
  const about = lines.slice(0, first).map((line) => line.replace(/^--\s?/, ''));
  const variables: StepVariable[] = [];
  const sql = lines
    .slice(first)
    .join('\n')
    .replaceAll(/(?<![:\w]):([a-z_]+)\b/g, (_, variable: string) => {
      if (!isStepVariable(variable))
        throw new Error(`${name}.sql asks for ${variable}, which is no variable`);
      if (!variables.includes(variable)) variables.push(variable);
      return `$${variables.indexOf(variable) + 1}`;
    });
  return { name, about: about.join('\n'), variables, sql: sql.trim().replace(/;$/, '') };
}

/** @throws UsageError naming those that there are */
export function findQuestion(questions: ReadonlyMap<string, Question>, name: string): Question {
  const question = questions.get(name);
  if (question) return question;
  throw new UsageError(`There is no question '${name}'`, {
    hint: `Known are: ${[...questions.keys()].join(', ')}`,
  });
}

/** The answer's rows, at most 500. Nothing can be written, and nobody is waited for longer than a minute. */
export async function ask(
  warehouse: DataSource,
  { name, variables, sql }: Question,
  values: StepValues,
): Promise<{ readonly rows: readonly Record<string, unknown>[]; readonly isCut: boolean }> {
  try {
    return await warehouse.transaction(async (tx) => {
      await tx.query('set transaction read only');
      await tx.query(`set local statement_timeout = '${LONGEST_ANSWER_SECONDS}s'`);
      await tx.query(`set local lock_timeout = '5s'`);
      const rows = await tx.query<Record<string, unknown>[]>(
        `select * from (${sql}) as answer limit ${MOST_ROWS + 1}`,
        variables.map((variable) => values[variable]),
      );
      return { rows: rows.slice(0, MOST_ROWS), isCut: rows.length > MOST_ROWS };
    });
  } catch (error) {
    throw warehouseError(error, `${name} could not be answered`);
  }
}
