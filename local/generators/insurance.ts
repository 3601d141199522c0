import { daysInMonth, monthsSince1999 } from './calendar.ts';
import { chanceOf, pick } from './chance.ts';
import type { CellFlaw } from './flaws.ts';
import { word, words } from './page.ts';
import type { GeneratedTable, OpenedSet, SetOptions } from './table.ts';

const COLUMNS = ['id_mouvement', 'date_op', 'produit', 'type_op', 'montant', 'agence_id', 'pays'];

/** Of 100 movements, how many are of the type, and which way the money goes. */
const TYPES: readonly (readonly [type: string, share: number, sign: 1 | -1])[] = [
  ['cotisation', 38, 1],
  ['remboursement', 17, -1],
  ['commission', 9, -1],
  ['indemnisation', 7, -1],
  ['frais_gestion', 5, 1],
  ['virement', 4, 1],
  ['rétrocession', 3, -1],
  ['provision', 3, -1],
  ['franchise', 2, 1],
  ['ajustement', 2, 1],
  ['régularisation', 2, 1],
  ['réassurance', 1, -1],
  ['pénalité', 1, 1],
  ['correction', 1, -1],
  ['annulation', 1, -1],
  ['prime_exceptionnelle', 1, 1],
  ['bonus_malus', 1, -1],
  ['résiliation', 1, -1],
  ['avenant', 1, 1],
];
const TYPE_OF = TYPES.flatMap(([type, share, sign]) => Array.from({ length: share }, () => ({ type, sign })));
const TYPE_WORDS = words(TYPE_OF.map(({ type }) => `${type},`));
const SIGNS = Int8Array.from(TYPE_OF, ({ sign }) => sign);

const PRODUCTS = words([
  'auto,',
  'auto,',
  'auto,',
  'santé,',
  'santé,',
  'santé,',
  'habitation,',
  'habitation,',
  'vie,',
]);
const COUNTRIES = ['FR', 'FR', 'FR', 'FR', 'FR', 'FR', 'ES', 'ES', 'IT', 'IT', 'DE', 'BE'];
const AGENCIES = 250;
/** The end of a row: which agency, in which country. */
const ENDS = words(
  Array.from({ length: AGENCIES }, (_, index) => `AG_${String(index + 1).padStart(3, '0')}`).flatMap(
    (agency) => COUNTRIES.map((country) => `,${agency},${country}\n`),
  ),
);

/** Movements of a month: ids in the order of the days, money between 1 and some 10,000 euros, more often little. */
export function openInsurance({ rows, seed }: SetOptions): OpenedSet {
  return {
    drifted: [],
    *tablesOf(month) {
      const chance = chanceOf(`insurance ${seed} ${month}`);
      const firstId = monthsSince1999(month) * 100_000_000 + 1;
      const days = words(daysInMonth(month).map((day) => `,${day},`));
      yield {
        dataset: 'insurance-movements',
        columns: COLUMNS,
        rows,
        isFact: true,
        flaws: FLAWS,
        writeRow: (page, row) => {
          const [kind, money] = [chance(row, 0), chance(row, 1)];
          const type = kind % 100;
          page.integer(firstId + row);
          page.word(days[Math.floor((row * days.length) / rows)] ?? word(''));
          page.word(pick(PRODUCTS, kind >>> 8));
          page.word(pick(TYPE_WORDS, type));
          page.cents((SIGNS[type] ?? 1) * (100 + (money & 0x3ff) * ((money >>> 10) & 0x3ff)));
          page.word(pick(ENDS, chance(row, 2)));
        },
      } satisfies GeneratedTable;
    },
  };
}

const FLAWS: readonly CellFlaw[] = [
  {
    kind: 'wrong-type',
    column: 'montant',
    rule: 'not-a-decimal',
    cells: ['"1 234,56"', 'NaN', 'douze', '1e3'],
  },
  {
    kind: 'wrong-type',
    column: 'date_op',
    rule: 'not-a-date',
    cells: ['05/01/2025', '2025-02-30', '20250105'],
  },
  { kind: 'wrong-type', column: 'id_mouvement', rule: 'not-an-integer', cells: ['MVT-7', '12.5', '#REF!'] },
  { kind: 'impossible-value', column: 'montant', rule: 'too-precise', cells: ['12.345', '-0.001'] },
  { kind: 'impossible-value', column: 'montant', rule: 'out-of-range', cells: ['99999999999.00'] },
  { kind: 'impossible-value', column: 'id_mouvement', rule: 'out-of-range', cells: ['9223372036854775808'] },
  { kind: 'unknown-code', column: 'produit', rule: 'unknown-code', cells: ['moto', 'AUTO', 'sante', ' vie'] },
  { kind: 'unknown-code', column: 'type_op', rule: 'unknown-code', cells: ['cotisations', 'DIVERS', '?'] },
  { kind: 'unknown-code', column: 'pays', rule: 'unknown-code', cells: ['XX', 'FRA', 'fr'] },
  { kind: 'unknown-code', column: 'agence_id', rule: 'bad-form', cells: ['AG_1', 'AG-001', 'SIEGE'] },
  { kind: 'missing-value', column: 'id_mouvement', rule: 'no-id', cells: [''] },
  { kind: 'missing-value', column: 'date_op', rule: 'no-day', cells: [''] },
  { kind: 'missing-value', column: 'montant', rule: 'no-amount', cells: ['', '""'] },
  { kind: 'missing-value', column: 'agence_id', rule: 'no-agency', cells: [''] },
  { kind: 'bad-encoding', column: 'produit', rule: 'bad-encoding', cells: ['sant\xe9'], latin1: true },
  {
    kind: 'bad-encoding',
    column: 'type_op',
    rule: 'bad-encoding',
    cells: ['r\xe9trocession', 'p\xe9nalit\xe9'],
    latin1: true,
  },
  { kind: 'bad-encoding', column: 'agence_id', rule: 'nul-character', cells: ['AG_\x00'] },
];
