import { addDays, type BusinessDate } from '../../rules/business-date.ts';
import { randomOf, type Random } from './random.ts';
import { kilometres, NETWORKS, type Station } from './stations.ts';

/** A movement as `/v1/movements` tells it: one wagon that left a station on the day. */
export type Movement = {
  readonly movement_id: string;
  readonly business_day: string;
  readonly train: string;
  readonly wagon: string;
  readonly origin: string;
  readonly destination: string;
  readonly commodity: string;
  readonly tonnes: number;
  readonly departure: string;
  readonly arrival: string | null;
  readonly client: string;
  readonly amount_xaf: number;
};

/** How a day differs from the clean one. */
export interface DayVariant {
  /** Movements of the day as first published. */
  readonly movements: number;
  /** How often the railway has corrected the day since. */
  readonly restatements: number;
  /** Movements to a station that `/v1/stations` lacks. */
  readonly unknownStations: number;
  /** Movements of the day before that come only now. */
  readonly lateRows: number;
}

export const CLEAN_DAY: DayVariant = { movements: 2_000, restatements: 0, unknownStations: 0, lateRows: 0 };

/** No station has this code. */
export const UNKNOWN_STATION = 'ZZ999';

const COMMODITIES = [
  'alumina',
  'cement',
  'cereals',
  'cocoa',
  'containers',
  'cotton',
  'fertiliser',
  'fuel',
  'manganese',
  'scrap',
  'sugar',
  'timber',
] as const;
const CLIENTS = [
  'Aluminium du Littoral',
  'Awa Mbarga',
  'Bois de l’Est SARL',
  'Cimenterie de la Bouenza',
  'Comptoir Cotonnier',
  'Coopérative Cacao Centre',
  'Dépôts Pétroliers Réunis',
  'Engrais du Golfe',
  'Ferraille & Fils',
  'Jean-Paul Essono',
  'Manganèse du Haut-Ogooué',
  'Minoterie Wouri',
  'Pauline Ngoma',
  'Sucrerie de Nkayi',
  'Transit Équateur',
  'Zacharie Ndong',
] as const;
const MINUTE = 60_000;
const LONGEST_TRAIN = 40;

/** All movements that the API answers for a day; the same seed, day and variant give the same rows for ever. */
export function movementsOf(day: BusinessDate, seed: string, variant: DayVariant = CLEAN_DAY): Movement[] {
  let rows = firstPublished(day, seed, variant.movements);
  for (let version = 1; version <= variant.restatements; version += 1)
    rows = restate(rows, day, seed, version);
  const lost = rows.map((row, index) =>
    index < variant.unknownStations ? { ...row, destination: UNKNOWN_STATION } : row,
  );
  const dayBefore = addDays(day, -1);
  const late = firstPublished(dayBefore, `${seed}/late`, variant.lateRows).map((row) => ({
    ...row,
    movement_id: `${row.movement_id}-L`,
  }));
  return [...lost, ...late];
}

function firstPublished(day: BusinessDate, seed: string, count: number): Movement[] {
  const random = randomOf(`${seed}/${day}`);
  const rows: Movement[] = [];
  while (rows.length < count) {
    const length = Math.min(random.between(10, LONGEST_TRAIN), count - rows.length);
    rows.push(...trainOf(random, day, rows.length, length));
  }
  return rows;
}

function trainOf(random: Random, day: BusinessDate, first: number, length: number): Movement[] {
  const network = random.pick(NETWORKS);
  const origin = random.pick(network);
  const destination = random.pick(network.filter((station) => station !== origin));
  const train = `${origin.country}${random.between(1000, 9999)}`;
  // The railway's day begins an hour before UTC's (UTC+1).
  const departureMs = Date.parse(`${day}T00:00:00Z`) + (random.below(24 * 60) - 60) * MINUTE;
  const commodity = random.pick(COMMODITIES);
  return Array.from({ length }, (_, index) => {
    const kilograms = random.between(8_000, 68_000);
    const km = kilometres(origin, destination);
    return {
      movement_id: movementId(day, first + index + 1),
      business_day: day,
      train,
      wagon: `W${random.between(100_000, 999_999)}`,
      origin: origin.code,
      destination: destination.code,
      commodity: random.below(10) < 8 ? commodity : random.pick(COMMODITIES),
      tonnes: kilograms / 1000,
      departure: instant(departureMs),
      arrival: arrivalOf(day, departureMs, origin, destination),
      client: random.pick(CLIENTS),
      amount_xaf: charge(kilograms, km),
    };
  });
}

/** None for a train that is still under way when its day is over. */
function arrivalOf(day: BusinessDate, departureMs: number, from: Station, to: Station): string | null {
  const arrivalMs = departureMs + (30 + 2 * kilometres(from, to)) * MINUTE; // 30 km/h and half an hour
  return arrivalMs < Date.parse(`${addDays(day, 1)}T00:00:00Z`) ? instant(arrivalMs) : null;
}

/** A later version of a day: of a hundred movements two are weighed again, one is struck out; one in 200 is new. */
function restate(rows: readonly Movement[], day: BusinessDate, seed: string, version: number): Movement[] {
  const random = randomOf(`${seed}/${day}/restated/${version}`);
  const kept: Movement[] = [];
  for (const row of rows) {
    const lot = random.below(100);
    const kilograms = random.between(8_000, 68_000);
    if (lot === 0) continue;
    const change = { tonnes: kilograms / 1000, amount_xaf: charge(kilograms, random.between(20, 900)) };
    kept.push(lot <= 2 ? { ...row, ...change } : row);
  }
  const added = firstPublished(day, `${seed}/added/${version}`, Math.ceil(rows.length / 200));
  return [...kept, ...added.map((row) => ({ ...row, movement_id: `${row.movement_id}-R${version}` }))];
}

function movementId(day: BusinessDate, ordinal: number): string {
  return `M${day.replaceAll('-', '')}-${String(ordinal).padStart(6, '0')}`;
}

/** 32 francs a tonne and kilometre, and 15,000 for the wagon; XAF has no smaller unit. */
function charge(kilograms: number, km: number): number {
  return 15_000 + Math.round((kilograms * km * 32) / 1000);
}

function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
