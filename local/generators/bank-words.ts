import { addDays, type BusinessDate } from '../../rules/business-date.ts';
import type { CellFlaw } from './flaws.ts';
import { word, words } from './page.ts';

/** What a bank's files are made of; words that begin or end a cell bring their commas along. */

const MERCHANTS = [
  'CARREFOUR LYON',
  'SNCF PARIS',
  'FNAC LILLE',
  'EDEKA KÖLN',
  'BOULANGERIE',
  'SHELL A7',
  'IKEA',
  'CAFÉ DU PORT',
];

/** Of 20 transactions, how many are of the kind; what they move, in hundredths; what the statement says. */
const TRANSACTIONS = [
  { kind: 'card', share: 11, sign: -1, atLeast: 95, unit: 0.125, labels: MERCHANTS },
  {
    kind: 'cash',
    share: 2,
    sign: -1,
    atLeast: 2_000,
    unit: 0.25,
    labels: ['RETRAIT DAB', 'GELDAUTOMAT', 'CAJERO'],
  },
  {
    kind: 'direct-debit',
    share: 2,
    sign: -1,
    atLeast: 1_500,
    unit: 0.25,
    labels: ['EDF', 'ORANGE', 'LOYER', 'MUTUELLE'],
  },
  {
    kind: 'transfer',
    share: 1,
    sign: -1,
    atLeast: 1_000,
    unit: 2,
    labels: ['VIREMENT', 'VIREMENT PERMANENT'],
  },
  {
    kind: 'transfer',
    share: 1,
    sign: 1,
    atLeast: 1_000,
    unit: 2,
    labels: ['VIREMENT RECU', 'REMBOURSEMENT'],
  },
  { kind: 'salary', share: 1, sign: 1, atLeast: 120_000, unit: 1, labels: ['SALAIRE', 'PENSION'] },
  { kind: 'fee', share: 1, sign: -1, atLeast: 100, unit: 0.01, labels: ['FRAIS DE TENUE DE COMPTE', ''] },
  { kind: 'interest', share: 1, sign: 1, atLeast: 1, unit: 0.01, labels: ['INTERETS', ''] },
] as const;

export const KIND_OF = TRANSACTIONS.flatMap(({ kind, share, labels, ...money }) => {
  const made = { ...money, start: word(`,${kind},`), labels: words(labels.map((label) => `,${label}\n`)) };
  return Array.from({ length: share }, () => made);
});

export const CURRENCIES = words([...Array.from({ length: 18 }, () => ',EUR,'), ',CHF,', ',GBP,']);
export const COUNTRIES = words(['FR', 'FR', 'FR', 'ES', 'IT', 'DE', 'BE']);
export const PAST_DAYS = words(
  Array.from({ length: 5_000 }, (_, day) => addDays('2006-01-02' as BusinessDate, day)),
);
export const BIRTHDAYS = words(
  Array.from({ length: 20_000 }, (_, day) => addDays('1945-03-01' as BusinessDate, day)),
);
export const FIRST_NAMES = words(
  [
    'Aïcha',
    'Béatrice',
    'Carlos',
    'Dörte',
    'Emma',
    'François',
    'Giulia',
    'Hugo',
    'Inés',
    'Jürgen',
    'Léa',
    'Marco',
  ].map((name) => `,${name} `),
);
export const LAST_NAMES = words(
  [
    'Dupont',
    'García',
    'Müller',
    'Rossi',
    'Peeters',
    'Nguyen',
    'Martin',
    'Lefèvre',
    'Schmidt',
    'Ferrari',
    'Diallo',
  ].map((name) => `${name},`),
);

export const TRANSACTION_FLAWS: readonly CellFlaw[] = [
  {
    kind: 'wrong-type',
    column: 'amount',
    rule: 'not-a-decimal',
    cells: ['"-1 234,56"', 'NaN', 'EUR 12', '1e3'],
  },
  {
    kind: 'wrong-type',
    column: 'booked_at',
    rule: 'not-a-timestamp',
    cells: ['2025-01-05 10:00:00', '05/01/2025 10:00', '1736071200'],
  },
  {
    kind: 'wrong-type',
    column: 'account_id',
    rule: 'not-an-integer',
    cells: ['FR7630001007941234', '12.5', '#N/A'],
  },
  { kind: 'impossible-value', column: 'amount', rule: 'too-precise', cells: ['12.345', '-0.001'] },
  { kind: 'impossible-value', column: 'amount', rule: 'out-of-range', cells: ['9999999999999.00'] },
  { kind: 'impossible-value', column: 'label', rule: 'too-long', cells: ['BLA '.repeat(40)] },
  { kind: 'unknown-code', column: 'kind', rule: 'unknown-code', cells: ['CARD', 'cheque', '?'] },
  { kind: 'unknown-code', column: 'account_id', rule: 'unknown-reference', cells: ['999999999', '-1'] },
  { kind: 'missing-value', column: 'transaction_id', rule: 'no-id', cells: [''] },
  { kind: 'missing-value', column: 'booked_at', rule: 'no-time', cells: [''] },
  { kind: 'missing-value', column: 'account_id', rule: 'no-account', cells: ['', '""'] },
  { kind: 'missing-value', column: 'amount', rule: 'no-amount', cells: [''] },
  {
    kind: 'bad-encoding',
    column: 'label',
    rule: 'bad-encoding',
    cells: ['CAF\xc9 DU PORT', 'EDEKA K\xd6LN'],
    latin1: true,
  },
  { kind: 'bad-encoding', column: 'label', rule: 'nul-character', cells: ['RETRAIT\x00DAB'] },
];
