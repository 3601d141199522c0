import { Rejection } from '../rules/columns.ts';
import { sourceNameOf, type Dataset } from '../rules/dataset.ts';
import { LandingCorrupt, SourceContractBroken } from '../rules/errors.ts';
import type { RestSource } from '../rules/source.ts';
import { list } from './csv-header.ts';
import { jsonText, markedNumber, numberCell, parseJson } from './json-numbers.ts';
import type { StoredFile } from './landing.ts';
import type { RawCell, RawRecord, ReadRecord } from './records.ts';

/** Records handed on at a time: small enough to give way in between. */
const AT_ONCE = 500;
/** Undeclared properties that are named, each once. */
const NAMED = 20;

/** The records of one page, as `rest.ts` accepted it. */
export function recordsOf(source: RestSource, page: unknown): readonly unknown[] | undefined {
  if (typeof page !== 'object' || page === null) return undefined;
  const records = (page as Record<string, unknown>)[source.records];
  return Array.isArray(records) ? (records as unknown[]) : undefined;
}

/**
 * Reads landed pages: each property by the source's name of its column, an absent one as missing. One that is absent
 * from every record of the part is no missing value: the source has renamed it or taken it away.
 * @param open the page's bytes
 * @param warn told once of each property that is not declared
 * @throws SourceContractBroken for a declared property that no record has, for an undeclared one under drift `freeze`
 */
export async function* readPages(
  dataset: Dataset,
  source: RestSource,
  pages: readonly StoredFile[],
  open: (page: StoredFile) => AsyncIterable<Buffer>,
  warn: (warning: string) => void,
): AsyncGenerator<readonly ReadRecord[]> {
  const reader = new RecordReader(dataset, source, warn);
  for (const page of pages) {
    const chunks: Buffer[] = [];
    for await (const chunk of open(page)) chunks.push(chunk);
    const text = new TextDecoder().decode(Buffer.concat(chunks));
    const records = recordsOf(source, parseJson(text));
    if (!records) throw new LandingCorrupt('A landed page holds no records', { detail: page.key });
    for (let start = 0; start < records.length; start += AT_ONCE) {
      yield records.slice(start, start + AT_ONCE).map((record) => reader.read(record, page.key));
    }
  }
  reader.end(pages.at(-1)?.key ?? '');
}

/** Reads the records of an API one by one, as JSON parsed them. */
export class RecordReader {
  readonly #dataset: string;
  readonly #drift: RestSource['drift'];
  readonly #recordBytes: number;
  readonly #names: readonly string[];
  readonly #known: ReadonlySet<string>;
  readonly #unseen: Set<string>;
  readonly #ignored = new Set<string>();
  readonly #warn: (warning: string) => void;
  #record = 0;
  #objects = 0;

  constructor(dataset: Dataset, source: RestSource, warn: (warning: string) => void) {
    this.#dataset = dataset.name;
    this.#drift = source.drift;
    this.#recordBytes = dataset.bounds.recordBytes;
    this.#names = Object.keys(dataset.columns).map((column) => sourceNameOf(dataset, column));
    this.#known = new Set(this.#names);
    this.#unseen = new Set(this.#names);
    this.#warn = warn;
  }

  read(value: unknown, page: string): ReadRecord {
    const record = ++this.#record;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const reason = 'is not an object';
      return { record, line: null, cells: null, rule: 'wrong-type', reason, raw: jsonText(value) };
    }
    this.#objects += 1;
    const properties = value as Record<string, unknown>;
    for (const name of Object.keys(properties)) {
      if (!this.#known.has(name)) this.#drifted(name, record, page);
      else if (this.#unseen.size > 0) this.#unseen.delete(name);
    }
    return new PageRecord(record, this.#cells(properties), properties);
  }

  /** @throws SourceContractBroken where there were records, and none had a declared property */
  end(lastPage: string): void {
    if (this.#objects === 0 || this.#unseen.size === 0) return;
    throw new SourceContractBroken(
      `The source of ${this.#dataset} no longer sends ${list([...this.#unseen])}`,
      {
        detail: `none of the ${this.#objects} records up to ${lastPage} has it`,
        hint: "Ask the source's owner; if the change is meant, edit the dataset and write a migration.",
      },
    );
  }

  #cells(properties: Record<string, unknown>): RawCell[] {
    const cells: RawCell[] = [];
    for (const name of this.#names) {
      // `constructor` is a name like any other.
      cells.push(Object.hasOwn(properties, name) ? this.#cell(properties[name]) : null);
    }
    return cells;
  }

  #cell(value: unknown): RawCell {
    if (typeof value === 'number') return numberCell(value);
    if (typeof value === 'boolean') return String(value);
    if (value === null || value === '') return null;
    if (typeof value !== 'string') return new Rejection('wrong-type', 'is an object or an array');
    if (value.length > this.#recordBytes) return new Rejection('record-too-long', 'is too long');
    return markedNumber(value) ?? value;
  }

  #drifted(name: string, record: number, page: string): void {
    if (this.#drift === 'freeze') {
      throw new SourceContractBroken(`A record of ${this.#dataset} has a property that is not declared`, {
        detail: `${page}, record ${record} of its part: ${list([name])}`,
        hint: "Ask the source's owner; if the change is meant, edit the dataset and write a migration.",
      });
    }
    if (this.#ignored.has(name) || this.#ignored.size >= NAMED) return;
    this.#ignored.add(name);
    this.#warn(`Property ${list([name])} is not declared and was left out`);
  }
}

class PageRecord implements RawRecord {
  readonly record: number;
  readonly line = null;
  readonly cells: readonly RawCell[];
  readonly #properties: unknown;

  constructor(record: number, cells: readonly RawCell[], properties: unknown) {
    this.record = record;
    this.cells = cells;
    this.#properties = properties;
  }

  get raw(): string {
    return jsonText(this.#properties);
  }
}
