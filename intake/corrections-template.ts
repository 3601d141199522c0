import { sourceNameOf, type Dataset } from '../rules/dataset.ts';
import type { RejectedPlace } from '../rules/release.ts';
import type { CsvSource } from '../rules/source.ts';
import type { IntakeContext } from './context.ts';
import { fieldsOf, leadNames } from './corrected.ts';
import { jsonLine } from './json-lines.ts';
import { jsonText, parseJson } from './json-numbers.ts';
import type { LandedPart, Manifest } from './manifest.ts';
import { Pace } from './pace.ts';
import { partOf, readPart } from './read-part.ts';

/**
 * The corrected file to start from: each rejected record as it landed, or blank where it could not be taken apart; in
 * the order of the landed input. One that is left blank cannot be released.
 */
export async function* correctionsTemplate(
  dataset: Dataset,
  manifest: Manifest,
  rejected: AsyncIterable<RejectedPlace & { readonly raw: string }>,
  context: Pick<IntakeContext, 'landing' | 'signal'>,
): AsyncGenerator<string> {
  const { source } = dataset;
  if (source.kind === 'csv') {
    yield* rowsToCorrect(dataset, source, manifest, rejected, context);
    return;
  }
  for await (const { part, record, raw } of rejected) {
    yield documentToCorrect({ part, record }, raw, partOf(manifest, part));
  }
}

async function* rowsToCorrect(
  dataset: Dataset,
  source: CsvSource,
  manifest: Manifest,
  rejected: AsyncIterable<RejectedPlace>,
  context: Pick<IntakeContext, 'landing' | 'signal'>,
): AsyncGenerator<string> {
  const names = Object.keys(dataset.columns).map((column) => sourceNameOf(dataset, column));
  yield csvRow([...leadNames(dataset), ...names], source);
  const sought = new Map<number, Set<number>>();
  for await (const { part, record } of rejected)
    sought.set(part, (sought.get(part) ?? new Set()).add(record));
  for (const [number, records] of [...sought].sort(([a], [b]) => a - b)) {
    const part = partOf(manifest, number);
    const pace = new Pace(context.signal);
    for await (const batch of readPart(dataset, part, context, pace)) {
      for (const row of batch.filter(({ record }) => records.has(record))) {
        const cells = row.cells?.map((cell) => (typeof cell === 'string' ? cell : '')) ?? names.map(() => '');
        yield csvRow([String(number), String(row.record), ...cells], source);
      }
    }
  }
}

/** RFC 4180: in quotes where it must be. */
function csvRow(fields: readonly string[], { delimiter }: CsvSource): string {
  const mustQuote = (field: string) => field.includes(delimiter) || /["\r\n]/.test(field);
  const cells = fields.map((field) => (mustQuote(field) ? `"${field.replaceAll('"', '""')}"` : field));
  return `${cells.join(delimiter)}\r\n`;
}

/** A record that was cut, or is no object, has to be written anew. */
function documentToCorrect(place: RejectedPlace, raw: string, part: LandedPart): string {
  const text = part.isCorrected ? jsonText(fieldsOf(raw)['corrected'] ?? null) : raw;
  const line = jsonLine({ ...place, corrected: {} });
  return isObject(text) ? line.replace(/\{\}\}\n$/, () => `${onOneLine(text)}}\n`) : line;
}

function isObject(text: string): boolean {
  try {
    const value = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch (cause) {
    if (cause instanceof SyntaxError) return false;
    throw cause;
  }
}

function onOneLine(json: string): string {
  return json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
