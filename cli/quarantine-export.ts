import { findDataset } from '../rules/find-dataset.ts';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Option, type Command } from 'commander';
import { openLandingFolder } from '../intake/landing-folder.ts';
import type { BusinessDate } from '../rules/business-date.ts';
import { UsageError } from '../rules/errors.ts';
import type { Quarantined } from '../warehouse/quarantine.ts';
import { plural } from './figures.ts';
import { dateNamed, withInstallation } from './installation.ts';
import { Output } from './output.ts';
import { closedAttempt } from './closed-attempt.ts';
import { allRejected } from './quarantine-all.ts';
import { maskNote, maskOf } from './quarantine-mask.ts';

interface ExportOptions {
  readonly format: 'csv' | 'jsonl';
  readonly output?: string;
  readonly raw?: boolean;
}

export function addQuarantineExport(quarantine: Command): void {
  quarantine
    .command('export')
    .argument('<dataset>')
    .argument('<date>', 'the business date', dateNamed)
    .description('all rejected rows, to stdout or a file')
    .addOption(new Option('--format <format>', 'of the rows').choices(['csv', 'jsonl']).default('csv'))
    .option('--output <file>', 'a file, which appears whole; by default stdout')
    .option('--raw', 'the raw text also where the dataset has personal columns')
    .action(exportRows);
}

async function exportRows(name: string, businessDate: BusinessDate, options: ExportOptions): Promise<void> {
  const output = new Output(false);
  await withInstallation(async ({ datasets, warehouse, config }) => {
    const dataset = findDataset(datasets, name);
    const day = { dataset: dataset.name, businessDate };
    const attempt = await closedAttempt(warehouse, day);
    const { isMasked, mask } = maskOf(dataset, options.raw ?? false);
    let rows = 0;
    const lines = async function* () {
      if (options.format === 'csv') yield `${CSV_COLUMNS.join(',')}\r\n`;
      for await (const row of await allRejected(
        warehouse,
        openLandingFolder(join(config.home, 'landing')),
        attempt,
      )) {
        rows += 1;
        yield options.format === 'csv' ? csvLine(mask(row)) : `${JSON.stringify(mask(row))}\n`;
      }
    };
    if (options.output === undefined) await pipeline(Readable.from(lines()), process.stdout, { end: false });
    else await writeWhole(options.output, lines());
    output.note(
      `${plural(rows, 'rejected row')} written${options.output === undefined ? '' : ` to ${options.output}`}`,
    );
    if (isMasked) output.note(maskNote(dataset));
  });
}

const CSV_COLUMNS = ['part', 'record', 'line', 'column', 'rule', 'reason', 'raw'] as const;

/** RFC 4180: every text in quotes, a missing value empty. */
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
    const { code } = cause as NodeJS.ErrnoException;
    if (!['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EROFS'].includes(code ?? '')) throw cause;
    throw new UsageError(`${file} cannot be written`, {
      detail: code ?? '',
      hint: 'Name a file in a folder that exists and that you may write to.',
      cause,
    });
  }
}
