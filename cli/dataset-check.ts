import type { CheckedFile } from '../intake/check-files.ts';
import type { ColumnFigures } from '../intake/column-figures.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { exceedsRejectLimit, isEmptySource } from '../rules/reject-limit.ts';
import { count, plural } from './figures.ts';
import type { Output } from './output.ts';

/** The files of one business date, as a night would load them: together. */
export interface CheckedNight {
  readonly businessDate: BusinessDate | null;
  readonly files: readonly string[];
  readonly read: number;
  readonly valid: number;
  readonly rejected: number;
  readonly discarded: number;
}

/** Files that say no date are nights of their own. */
export function nightsOf(checked: readonly CheckedFile[]): CheckedNight[] {
  const nights: CheckedNight[] = [];
  for (const { file, businessDate, read, valid, rejected, discarded } of checked) {
    const at = businessDate === null ? -1 : nights.findIndex((night) => night.businessDate === businessDate);
    const night = nights[at] ?? { files: [], read: 0, valid: 0, rejected: 0, discarded: 0 };
    const sum = {
      businessDate,
      files: [...night.files, file],
      read: night.read + read,
      valid: night.valid + valid,
      rejected: night.rejected + rejected,
      discarded: night.discarded + discarded,
    };
    if (at === -1) nights.push(sum);
    else nights[at] = sum;
  }
  return nights;
}

export function sayChecked(
  dataset: Dataset,
  checked: readonly CheckedFile[],
  nights: readonly CheckedNight[],
  output: Output,
): void {
  for (const file of checked) {
    sayFile(file, output);
    const ended = nights.find(({ files }) => files.at(-1) === file.file);
    if (ended) sayNight(dataset, ended, output);
  }
}

function sayFile(checked: CheckedFile, output: Output): void {
  const { file, businessDate, samples, rows, warnings, rejectedByRule } = checked;
  output.line(`${file}${businessDate ? ` as of ${businessDate}` : ''}: ${countsOf(checked)}`);
  for (const warning of warnings) output.line(`  warning: ${warning}`);
  for (const [rule, rejected] of Object.entries(rejectedByRule)) output.line(`  ${rule}: ${rejected}`);
  for (const { record, line, column, reason, value } of samples) {
    output.line(
      `  record ${record}${line === null ? '' : `, line ${line}`}: ${column ?? 'row'} ${reason}: ${value}`,
    );
  }
  const [first] = rows;
  if (!first) return;
  output.line('  sound rows:');
  output.table(
    Object.keys(first).map((name, index) => (index === 0 ? `  ${name}` : name)),
    rows.map((row) => Object.values(row).map((cell, index) => (index === 0 ? `  ${cell ?? '-'}` : cell))),
  );
}

function sayNight(dataset: Dataset, night: CheckedNight, output: Output): void {
  const { businessDate, files } = night;
  const isOne = files.length === 1;
  const what = isOne ? 'this file' : `these ${files.length} files`;
  if (!isOne) output.line(`${businessDate}, ${plural(files.length, 'file')}: ${countsOf(night)}`);
  const refusal = refusalOf(dataset, night);
  if (refusal === 'empty')
    output.line(`  A night of ${what} would be refused: ${isOne ? 'it is' : 'they are'} empty.`);
  else if (refusal === 'reject-limit')
    output.line(
      `  A night of ${what} would be refused: the limit is ${dataset.rejectLimitPercent} % rejected.`,
    );
}

/** Why a night of these files would be refused, whatever the warehouse says (R2, R3). */
export function refusalOf(dataset: Dataset, night: CheckedNight): 'empty' | 'reject-limit' | undefined {
  if (isEmptySource(night) && !dataset.allowEmpty) return 'empty';
  return exceedsRejectLimit(night, dataset.rejectLimitPercent) ? 'reject-limit' : undefined;
}

function countsOf({
  read,
  valid,
  rejected,
  discarded,
}: Omit<CheckedNight, 'businessDate' | 'files'>): string {
  return `${valid} of ${read} rows are valid, ${rejected} rejected, ${discarded} discarded`;
}

export function sayFigures(columns: readonly ColumnFigures[], output: Output): void {
  output.line('Sound rows, column by column:');
  output.table(
    ['  column', 'type', 'missing', 'least', 'greatest', 'sum'],
    columns.map(({ column, type, missing, min, max, sum }) => [
      `  ${column}`,
      type,
      count(missing),
      min,
      max,
      sum,
    ]),
  );
}
