import type { Dataset } from '../rules/dataset.ts';
import { SourceBroken, SourceContractBroken, UsageError } from '../rules/errors.ts';
import { sourceNameOf } from '../rules/dataset.ts';
import { MOST_CORRECTED_ROWS, type RejectedPlace } from '../rules/release.ts';
import { leadNames, readCorrections, type Correction } from './corrected.ts';
import { list } from './csv-header.ts';

/** A corrected record, by its ordinal in its file from 1, and the rejected one that it stands in for. */
export interface CorrectedPlace extends RejectedPlace {
  readonly newRecord: number;
}

const SHOWN = 5;

/**
 * Reads a corrected file from end to end: each record must say which rejected one it stands in for, no two the same,
 * and hold every column. Whether its values can be trusted is for the night to judge. Never tells a value (R17).
 * @param shown how a message names the file
 * @param dayArguments `<dataset> <date>`, for the commands that a message names
 * @throws UsageError naming the first few of its problems
 */
export async function checkCorrected(
  dataset: Dataset,
  shown: string,
  dayArguments: string,
  bytes: number,
  content: AsyncIterable<Buffer>,
): Promise<CorrectedPlace[]> {
  const hint = `A file to start from: npx nighttrain quarantine export ${dayArguments} --format corrections`;
  const check = new Check();
  try {
    // Never read as compressed: that is how it is read when it has landed.
    const file = { key: 'corrected', bytes, sha256: '' };
    for await (const batch of readCorrections(dataset, file, content)) {
      for (const correction of batch) check.take(correction);
      if (check.places.length > MOST_CORRECTED_ROWS) {
        throw new UsageError(`The corrected file has more than ${MOST_CORRECTED_ROWS} rows`, {
          detail: shown,
          hint: 'Put the whole file right at its source, and replay the day from there.',
        });
      }
    }
  } catch (cause) {
    if (!(cause instanceof SourceContractBroken || cause instanceof SourceBroken)) throw cause;
    throw unreadable(dataset, shown, hint, cause);
  }
  const { problems, places } = check;
  if (problems.length > 0) {
    const more = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : [];
    throw new UsageError(`The corrected file cannot be released: ${problems.length} of its rows are wrong`, {
      detail: [shown, ...problems.slice(0, SHOWN), ...more].join('\n'),
      hint,
    });
  }
  if (places.length > 0) return places;
  throw new UsageError('The corrected file has no row', { detail: shown, hint });
}

/** A first line that is no header may hold anything, also what is personal: it is not told. */
function unreadable(dataset: Dataset, shown: string, hint: string, cause: Error): UsageError {
  const { source } = dataset;
  const names = Object.keys(dataset.columns).map((column) => sourceNameOf(dataset, column));
  const form =
    source.kind === 'csv'
      ? `its first line must name ${list([...leadNames(dataset), ...names])}, separated by ${JSON.stringify(source.delimiter)}`
      : 'each line must be one document {"part", "record", "corrected"}';
  const what = cause instanceof SourceContractBroken && source.kind === 'csv' ? 'header' : 'content';
  return new UsageError(`The ${what} of the corrected file is not that of ${dataset.name}: ${form}`, {
    detail: shown,
    hint,
    cause,
  });
}

class Check {
  readonly places: CorrectedPlace[] = [];
  readonly problems: string[] = [];
  readonly #lines = new Map<string, string>();

  take({ of, isBlank, record: row }: Correction): void {
    const place = row.line === null ? `record ${row.record}` : `line ${row.line}`;
    if (row.cells === null) return this.#say(place, row.reason);
    if (!of) return this.#say(place, 'does not say which part and record it stands in for');
    const name = `part ${of.part} record ${of.record}`;
    if (isBlank) return this.#say(place, `is left blank: fill it in, or take the line for ${name} out`);
    const earlier = this.#lines.get(name);
    if (earlier !== undefined) return this.#say(place, `stands in for ${name}, as ${earlier} does`);
    this.#lines.set(name, place);
    this.places.push({ ...of, newRecord: row.record });
  }

  #say(place: string, problem: string): void {
    this.problems.push(`${place} ${problem}`);
  }
}
