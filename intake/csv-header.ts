import { sourceNameOf, type Dataset } from '../rules/dataset.ts';
import { SourceContractBroken } from '../rules/errors.ts';
import type { CsvSource } from '../rules/source.ts';

/** Where the dataset's columns stand in a file. */
export interface Header {
  /** For each column of the dataset, in their order, the index of its field. */
  readonly fields: readonly number[];
  /** How many fields a record has. */
  readonly width: number;
  /** Columns that the dataset does not declare and that are left out. */
  readonly ignored: readonly string[];
}

/**
 * The header is a contract: every declared column once, and under drift `freeze` no other.
 * @throws SourceContractBroken naming every breach at once
 */
export function readHeader(
  dataset: Dataset,
  source: CsvSource,
  names: readonly string[],
  file: string,
): Header {
  const wanted = Object.keys(dataset.columns).map((column) => sourceNameOf(dataset, column));
  const missing = wanted.filter((name) => !names.includes(name));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const unknown = names.filter((name) => !wanted.includes(name));
  const breaches = [
    missing.length > 0 && `it lacks ${list(missing)}`,
    twice.length > 0 && `it has ${list([...new Set(twice)])} more than once`,
    unknown.length > 0 && source.drift === 'freeze' && `it has ${list(unknown)}, not declared`,
  ].filter(Boolean);
  if (breaches.length > 0) {
    throw new SourceContractBroken(
      `The header of ${dataset.name} is not the declared one: ${breaches.join('; ')}`,
      {
        detail: `${file}, line 1: ${list(names)}`,
        hint:
          missing.length === wanted.length
            ? `Is it the right file? Its fields must be separated by ${JSON.stringify(source.delimiter)}.`
            : "Ask the source's owner; if the change is meant, edit the dataset and write a migration.",
      },
    );
  }
  return { fields: wanted.map((name) => names.indexOf(name)), width: names.length, ignored: unknown };
}

/** Names as a message shows them: quoted where a reader could not see them, and never endless. */
export function list(names: readonly string[]): string {
  const most = names.length === 21 ? 21 : 20; // "and 1 more" is no shorter than its name
  const shown = names.slice(0, most).map((name) => {
    const short = name.length > 60 ? `${name.slice(0, 60)}…` : name;
    return /^[\w .-]+$/.test(short) ? short : JSON.stringify(short);
  });
  return shown.join(', ') + (names.length > most ? ` and ${names.length - most} more` : '');
}
