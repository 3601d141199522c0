import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseBusinessDate, type BusinessDate } from '../rules/business-date.ts';
import { ConfigurationError, UsageError } from '../rules/errors.ts';

/** What the sample inbox holds beside the flights. */
export interface SampleInboxOptions {
  /** Days of February 2013 that get a file of flights; by default all 28. */
  readonly flights?: readonly string[];
  /** Days that get a file of airlines and one of airports; by default 1 February. */
  readonly lookups?: readonly string[];
}

/**
 * Fills an inbox with the real February: `<inbox>/flights/2013-02-01.csv` …, byte for byte the records of the
 * published file below its header, and the whole of airlines and airports for the days asked for. Files appear
 * whole; those of the same name are replaced.
 * @returns the files written, in order
 * @throws UsageError for a day that is none, or for flights of a day outside February 2013
 */
export async function writeSampleInbox(inbox: string, options: SampleInboxOptions = {}): Promise<string[]> {
  const byDay = cutByDay(await readFile(join(sampleDataFolder(), 'flights-2013-02.csv')));
  const written: string[] = [];
  for (const day of options.flights ?? byDay.keys()) {
    const content = byDay.get(day as BusinessDate);
    if (!content)
      throw new UsageError(`The sample has no flights of ${day}`, {
        hint: 'Ask for a day from 2013-02-01 to 2013-02-28.',
      });
    written.push(await writeWhole(join(inbox, 'flights', `${day}.csv`), content));
  }
  for (const day of options.lookups ?? ['2013-02-01']) {
    if (!parseBusinessDate(day)) throw new UsageError(`${day} is not a day YYYY-MM-DD`);
    for (const dataset of ['airlines', 'airports']) {
      const content = await readFile(join(sampleDataFolder(), `${dataset}.csv`));
      written.push(await writeWhole(join(inbox, dataset, `${day}.csv`), content));
    }
  }
  return written;
}

/** The folder of the data that the package ships: beside the sources in a checkout, beside `dist` once built. */
export function sampleDataFolder(): string {
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    if (isPackageRoot(folder)) return join(folder, 'data', 'nyc-flights-2013-02');
  }
  throw new ConfigurationError('The sample data cannot be found: no package.json of nighttrain lies above', {
    detail: fileURLToPath(import.meta.url),
    hint: 'Install the package again: npm install nighttrain',
  });
}

function isPackageRoot(folder: string): boolean {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return false;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'nighttrain';
}

/** The header and the records of each day. The published file is ASCII, unquoted and in the order of its days. */
function cutByDay(whole: Buffer): Map<BusinessDate, string> {
  const [header = '', ...lines] = whole.toString('latin1').trimEnd().split('\n');
  const days = new Map<BusinessDate, string>();
  for (const line of lines) {
    const [year = '', month = '', day = ''] = line.split(',', 3);
    const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}` as BusinessDate;
    days.set(date, `${days.get(date) ?? `${header}\n`}${line}\n`);
  }
  return days;
}

/** Writes beside the file and renames, so that no reader of the inbox meets half of one. */
async function writeWhole(file: string, content: string | Buffer): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.part`;
  await writeFile(beside, content, 'latin1');
  await rename(beside, file);
  return file;
}
