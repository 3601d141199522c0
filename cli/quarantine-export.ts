import { allRejected } from '../activities/all-rejected.ts';
import { findDataset } from '../rules/find-dataset.ts';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Option, type Command } from 'commander';
import { openLandingFolder } from '../intake/landing-folder.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { LandingFull, UsageError } from '../rules/errors.ts';
import { MOST_CORRECTED_ROWS } from '../rules/release.ts';
import type { Quarantined } from '../warehouse/quarantine.ts';
import { count, plural } from './figures.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { closedAttempt } from './closed-attempt.ts';
import { linesToCorrect, mayCorrect } from './quarantine-corrections.ts';
import { maskNote, maskOf } from './quarantine-mask.ts';

type Format = 'csv' | 'jsonl' | 'corrections';

interface ExportOptions {
  readonly format: Format;
  readonly output?: string;
  readonly raw?: boolean;
}

const FORMATS: readonly Format[] = ['csv', 'jsonl', 'corrections'];

export function addQuarantineExport(quarantine: Command): void {
  quarantine
    .command('export')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('all rejected rows, to stdout or a file')
    .addOption(
      new Option(
        '--format <format>',
        'of the rows; csv: as they came, and a spreadsheet may take some for formulas; corrections: a file to correct and release',
      )
        .choices(FORMATS)
        .default('csv'),
    )
    .option('--output <file>', 'a file, which appears whole; by default stdout')
    .option('--raw', 'the raw text also where the dataset has personal columns')
    .action(exportRows);
}

async function exportRows(name: string, businessDate: BusinessDate, options: ExportOptions): Promise<void> {
  const output = new Output(false);
  await withInstallation(async ({ datasets, warehouse, config }) => {
    const dataset = findDataset(datasets, name);
    const attempt = await closedAttempt(warehouse, { dataset: dataset.name, businessDate });
    const { isMasked, mask } = maskOf(dataset, options.raw ?? false);
    const landing = openLandingFolder(join(config.home, 'landing'));
    let rows = 0;
    const counted = async function* (rejected: AsyncIterable<Quarantined>) {
      for await (const row of rejected) {
        rows += 1;
        yield mask(row);
      }
    };
    const { format } = options;
    const lines =
      format === 'corrections'
        ? await linesToCorrect(
            landing,
            dataset,
            attempt,
            isMasked,
            counted(mayCorrect(warehouse, landing, attempt)),
          )
        : linesOf(format, counted(await allRejected(warehouse, landing, attempt)));
    if (options.output === undefined) await pipeline(Readable.from(lines), process.stdout, { end: false });
    else await writeWhole(options.output, lines);
    const to = options.output === undefined ? '' : ` to ${options.output}`;
    const all = attempt.rowsRejected ?? rows;
    output.note(
      rows < all
        ? `${count(rows)} of ${plural(all, 'rejected row')} written${to}, because ${whyNotAll(format)}`
        : `${plural(rows, 'rejected row')} written${to}`,
    );
    if (isMasked) output.note(maskNote(dataset));
  });
}

const whyNotAll = (format: Format): string =>
  format === 'corrections'
    ? `one file corrects the first ${count(MOST_CORRECTED_ROWS)} at most; for all of them: --format csv`
    : 'neither the table nor landing holds more';

async function* linesOf(format: 'csv' | 'jsonl', rows: AsyncIterable<Quarantined>): AsyncGenerator<string> {
  if (format === 'csv') yield `${CSV_COLUMNS.join(',')}\r\n`;
  for await (const row of rows) yield format === 'csv' ? csvLine(row) : `${JSON.stringify(row)}\n`;
}

const CSV_COLUMNS = ['part', 'record', 'line', 'column', 'rule', 'reason', 'raw'] as const;

/**
 * RFC 4180: every text in quotes, a missing value empty. A cell is what the source sent, also where a spreadsheet would take
 * it for a formula: corrections are held against it byte by byte.
 */
function csvLine(row: Quarantined): string {
  const cells = CSV_COLUMNS.map((name) => {
    const value = row[name];
    return typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value ?? '');
  });
  return `${cells.join(',')}\r\n`;
}

/** Written beside the file and renamed: nobody meets half of an export. */
async function writeWhole(file: string, lines: AsyncIterable<string>): Promise<void> {
  const beside = `${file}.${process.pid}.part`;
  try {
    await pipeline(Readable.from(lines), createWriteStream(beside, { mode: 0o600 }));
    await rename(beside, file);
  } catch (cause) {
    await rm(beside, { force: true });
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (['ENOSPC', 'EDQUOT'].includes(code)) {
      throw new LandingFull('There is no room left for the export', {
        detail: `${file}: ${code}`,
        hint: 'Make room, or name with --output a file on another disk; no part of it was kept.',
        cause,
      });
    }
    if (!['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EROFS'].includes(code)) throw cause;
    throw new UsageError(`${file} cannot be written`, {
      detail: code,
      hint: 'Name a file in a folder that exists and that you may write to.',
      cause,
    });
  }
}
