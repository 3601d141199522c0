import airlines from '../../datasets/airlines.ts';
import flights from '../../datasets/flights.ts';
import freightMovements from '../../datasets/freight-movements.ts';
import stations from '../../datasets/stations.ts';
import { date, defineDataset, integer, text, type Dataset } from '../../rules/kit.ts';
import { csv } from '../../rules/source.ts';

/** Datasets that the tests of the night load. Small, and quick to try again; their tables are made from them. */

const quickRetries = { tries: 2, firstRetryMs: 50, longestRetryMs: 200, heartbeatMs: 3_000 };
const quick = {
  extract: quickRetries,
  transform: quickRetries,
  load: { ...quickRetries, tries: 4 },
};

/** What a station took in a day: one row a receipt, a row of another day is discarded. */
export const fares = defineDataset({
  name: 'fares',
  about: 'Receipts of a day.',
  table: 'fare',
  source: csv(),
  columns: {
    day: date().orReject('no-day'),
    receipt: integer().orReject('no-receipt'),
    amount: integer({ min: 0 }).orReject('no-amount'),
    note: text({ max: 200 }),
  },
  key: ['receipt'],
  dayOfRow: { column: 'day' },
  write: 'replaceDay',
  steps: quick,
});

/** Of several states of a ticket on one day, the latest is loaded. */
export const tickets = defineDataset({
  name: 'tickets',
  about: 'Tickets in their last state of the day.',
  table: 'ticket',
  source: csv(),
  columns: {
    ticket: integer().orReject('no-ticket'),
    changed: integer().orReject('no-change'),
    state: text().orReject('no-state'),
  },
  key: ['ticket'],
  latestBy: 'changed',
  write: 'replaceDay',
  steps: quick,
});

/** People who pay, as of a day; an older day never overwrites a newer one. */
export const clients = defineDataset({
  name: 'clients',
  about: 'Who pays.',
  table: 'client',
  source: csv(),
  columns: {
    id: integer().orReject('no-id'),
    name: text({ max: 100 }).personal().orReject('no-name'),
    city: text({ max: 100 }),
  },
  key: ['id'],
  write: 'merge',
  steps: quick,
});

/** Prices with a revision of their own: the greater one is the newer, whatever the day. */
export const prices = defineDataset({
  name: 'prices',
  about: 'What a tonne costs.',
  table: 'price',
  source: csv(),
  columns: {
    commodity: text().orReject('no-commodity'),
    revision: integer().orReject('no-revision'),
    francs: integer().orReject('no-price'),
  },
  key: ['commodity'],
  versionBy: 'revision',
  write: 'merge',
  steps: quick,
});

/** Who rode, and who paid for it: a ride of a client whom nobody knows is an orphan. */
export const rides = defineDataset({
  name: 'rides',
  about: 'Who rode at whose cost.',
  table: 'ride',
  source: csv(),
  columns: {
    ride: integer().orReject('no-ride'),
    rider: integer().references('client', 'id'),
    payer: integer().references('client', 'id').personal(),
  },
  key: ['ride'],
  write: 'replaceDay',
  steps: quick,
});

/** A real dataset as the tests load it: tried again soon, never by itself. */
export function unscheduled(dataset: Dataset): Dataset {
  return { ...dataset, schedule: undefined, steps: fares.steps };
}

/** All of which the template database has the tables. */
export const TEST_DATASETS: readonly Dataset[] = [
  fares,
  tickets,
  clients,
  prices,
  rides,
  ...[airlines, flights, stations, freightMovements].map(unscheduled),
];
