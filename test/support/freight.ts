import { expect, onTestFinished } from 'vitest';
import type { Fault, Scenario } from '../../local/freight-api/scenario.ts';
import { startFreightApi, type FreightApi, type FreightApiOptions } from '../../local/freight-api/server.ts';
import { Rejection } from '../../rules/columns.ts';
import type { Dataset } from '../../rules/dataset.ts';

export type Row = Record<string, string | number | null>;
export interface Page {
  readonly data: Row[];
  readonly next_cursor: string | null;
}

export const DAY = '2025-06-01';

/** One that is closed with its test. */
export async function start(options: FreightApiOptions = {}): Promise<FreightApi> {
  const api = await startFreightApi(options);
  onTestFinished(() => api.close());
  return api;
}

export const onDay = (change: NonNullable<Scenario['days']>[number]) =>
  start({ scenario: { days: [{ date: DAY, ...change }] } });
export const withFaults = (...faults: Fault[]) => start({ scenario: { faults } });
export const pageUrl = (api: FreightApi, cursor?: string, limit = 500) =>
  `${api.url}/v1/movements?date=${DAY}&limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`;

export async function page(api: FreightApi, cursor?: string, limit?: number): Promise<Page> {
  const response = await fetch(pageUrl(api, cursor, limit));
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

/** Pages up to the last one, or `most` of them. */
export async function pages(api: FreightApi, most = 20): Promise<Page[]> {
  const all: Page[] = [];
  for (let cursor: string | null | undefined; cursor !== null && all.length < most;) {
    const next = await page(api, cursor);
    all.push(next);
    cursor = next.next_cursor;
  }
  return all;
}

export const rowsOf = async (api: FreightApi) => (await pages(api)).flatMap(({ data }) => data);

export function isBad(dataset: Dataset, row: Row): boolean {
  return Object.entries(dataset.columns).some(([name, column]) => {
    const value = row[name] ?? null;
    return value === null
      ? column.missingRule !== undefined
      : column.parse(String(value)) instanceof Rejection;
  });
}
