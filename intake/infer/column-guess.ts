import {
  bigint,
  boolean,
  date,
  decimal,
  double,
  integer,
  text,
  timestamp,
  type Column,
} from '../../rules/columns.ts';
import type { Evidence, Kind } from './evidence.ts';
import type { Named } from './names.ts';

/** A column as the sample shows it, both as code and as the column that this code declares. */
export interface ColumnGuess {
  readonly name: string;
  readonly header: string;
  readonly kind: Kind;
  /** `text({ max: 10 }).orReject('no-code')`, without `from`. */
  readonly code: string;
  readonly column: Column;
  readonly personal: boolean;
  /** What a person should look at. */
  readonly reviews: readonly string[];
}

/** Digits that are no number: nobody adds them up, and their zeros count. */
const NUMBERS_IN_NAME =
  /(^|_)(phone|tel|telephone|mobile|gsm|fax|zip|postal|postcode|iban|siret|siren|ean|isbn)(_|$)/;
const PERSONAL =
  /(^|_)(e?mail|phone|tel|telephone|mobile|gsm|fax|first_?name|last_?name|surname|full_?name|maiden_?name|birth|birthday|dob|address|street|iban|passport|ssn|client|patient|customer|passenger|driver|prenom|nom|naissance|adresse)(_|$)/;
const MEASURED = /(^|_)(lat|lon|lng|latitude|longitude)(_|$)/;

/** Text gets room to grow: a limit that fits the sample exactly rejects tomorrow's rows. */
const TEXT_LIMITS = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000, 10_000_000];
/** More decimals than this are a measurement, not money. */
const MONEY_DECIMALS = 6;
/** Digits that a double keeps for sure. */
const DOUBLE_DIGITS = 15;

interface Shape {
  readonly kind: Kind;
  readonly code: string;
  readonly column: Column;
}

/** @param missing the tokens that stand for a missing value in this sample */
export function guessColumn(
  header: string,
  { name, review }: Named,
  evidence: Evidence,
  missing: ReadonlySet<string>,
): ColumnGuess {
  const shape = shapeOf(name, evidence);
  const tokens = [...evidence.tokens];
  const count = (counted: (token: string) => boolean) =>
    tokens.reduce((sum, [token, times]) => sum + (counted(token) ? times : 0), 0);
  const absent = evidence.empty + count((token) => missing.has(token));
  const present = evidence.values + count((token) => !missing.has(token));
  const personal = PERSONAL.test(name);
  const reviews = [
    review,
    present === 0 && 'never has a value: which type?',
    absent > 0 && present > 0 && `missing in ${absent} of ${absent + present} records`,
    NUMBERS_IN_NAME.test(name) && evidence.kind() !== 'text' && 'digits kept as text',
    personal && 'personal data?',
    shape.kind === 'text' && evidence.longest > 0 && `longest seen ${evidence.longest}`,
    shape.kind === 'double' && 'a measurement? never for money',
    shape.kind === 'integer' &&
      /(^|_)(time|hhmm)(_|$)/.test(name) &&
      evidence.looksLikeClock() &&
      'a clock time HHMM? then clockTime()',
    ...looksLike(evidence),
    ...tokens
      .filter(([token]) => !missing.has(token))
      .map(([token, times]) => `${token} ${times} times: missing?`),
  ].filter((said) => typeof said === 'string');
  const rule = `no-${name.replace(/^_/, '').replaceAll('_', '-')}`;
  const column = absent === 0 ? shape.column.orReject(rule) : shape.column;
  return {
    name,
    header,
    kind: shape.kind,
    code: `${shape.code}${personal ? '.personal()' : ''}${absent === 0 ? `.orReject('${rule}')` : ''}`,
    column: (personal ? column.personal() : column).from(header),
    personal,
    reviews,
  };
}

function looksLike({ looksLike: { decimalComma, localTime, otherDate } }: Evidence): string[] {
  return [
    decimalComma > 0 ? 'decimal commas are not read as numbers: ask for points' : '',
    localTime > 0 ? 'times without an offset are no instants: ask for one' : '',
    otherDate > 0 ? 'dates are read as YYYY-MM-DD alone: ask for those' : '',
  ].filter((said) => said !== '');
}

function shapeOf(name: string, evidence: Evidence): Shape {
  const kind = evidence.kind();
  if (NUMBERS_IN_NAME.test(name)) return textShape(evidence);
  switch (kind) {
    case 'boolean':
      return { kind, code: 'boolean()', column: boolean() };
    case 'integer':
      return { kind, code: 'integer()', column: integer() };
    case 'bigint':
      return { kind, code: 'bigint()', column: bigint() };
    case 'date':
      return { kind, code: 'date()', column: date() };
    case 'timestamp':
      return { kind, code: 'timestamp()', column: timestamp() };
    case 'decimal':
      return isMeasured(name, evidence) ? DOUBLE : decimalShape(evidence);
    case 'double':
      return DOUBLE;
    default:
      return textShape(evidence);
  }
}

const DOUBLE: Shape = { kind: 'double', code: 'double()', column: double() };

function isMeasured(name: string, { integral, decimals }: Evidence): boolean {
  if (MEASURED.test(name)) return true;
  return decimals > MONEY_DECIMALS && integral + decimals <= DOUBLE_DIGITS;
}

/** Two more digits before the point than were seen, and at least two after it, for tomorrow's rows. */
function decimalShape({ integral, decimals }: Evidence): Shape {
  const scale = Math.max(2, decimals);
  const precision = Math.max(12, integral + 2 + scale);
  const column = decimal({ precision, scale });
  return { kind: 'decimal', code: `decimal({ precision: ${precision}, scale: ${scale} })`, column };
}

function textShape({ longest, tokens }: Evidence): Shape {
  const length = Math.max(longest, ...[...tokens.keys()].map((token) => token.length));
  const max = TEXT_LIMITS.find((limit) => limit >= length) ?? length;
  return { kind: 'text', code: `text({ max: ${max} })`, column: text({ max }) };
}

/** How likely a column belongs to a key; lower is likelier, undefined where it cannot. */
export function keyRank({ name, kind, column, personal }: ColumnGuess, index: number): number | undefined {
  if (column.missingRule === undefined || kind === 'double' || kind === 'decimal') return undefined;
  const isId = /(^|_)(id|code|key|no|num|number|nr|ref|uuid|guid|iata|icao|sku)$/.test(name);
  const byKind = { date: 1, text: 2, integer: 2, bigint: 2, timestamp: 4, boolean: 8 }[kind];
  const isWordy = /(^|_)(name|title|label|description|comment|note)s?$/.test(name) || personal;
  const isFigure = /(^|_)(delay|time|amount|price|total|count|quantity|qty|hour|minute|distance)(_|$)/.test(
    name,
  );
  return (isId ? 0 : byKind) + (isWordy ? 10 : 0) + (isFigure ? 3 : 0) + index / 1_000;
}
