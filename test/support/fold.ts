import type { BusinessDate } from '../../rules/business-date.ts';
import { foldMonth, unfoldMonth, type Folded } from '../../warehouse/fold.ts';
import { fares } from './datasets.ts';
import type { House } from './house.ts';
import { dayOf } from './intake.ts';

const context = { signal: new AbortController().signal, progress: () => undefined };

/** Folds a month of `fares` as the worker does. @param month `YYYY-MM` */
export async function foldFares(house: House, month: string): Promise<Folded> {
  const loader = await house.open(house.loaderUrl, 'nighttrain');
  return foldMonth(loader, house.loaderUrl, fares, firstOf(month), context);
}

/** Makes days of a month of `fares` again, as if its first day were loaded. */
export async function unfoldFares(house: House, month: string): Promise<Folded> {
  const loader = await house.open(house.loaderUrl, 'nighttrain');
  const load = { dataset: fares.name, businessDate: firstOf(month), epoch: 999_999 }; // no zombie for any sweep
  return unfoldMonth(loader, house.loaderUrl, fares, load, context);
}

export function firstOf(month: string): BusinessDate {
  return dayOf(`${month}-01`);
}

/** Every row of a month of `fares`, in an order. */
export function faresOf(house: House, month: string): Promise<Record<string, unknown>[]> {
  return house.ask(
    `select * from warehouse.fare where business_date >= $1 and business_date < $1::date + interval '1 month'
     order by business_date, receipt`,
    [firstOf(month)],
  );
}

/** The tables that hold days of a month of `fares`, with their days. */
export async function partsOf(house: House, month: string): Promise<{ name: string; days: number }[]> {
  return house.ask(
    `select tableoid::regclass::text as name, count(distinct business_date)::int as days from warehouse.fare
     where business_date >= $1 and business_date < $1::date + interval '1 month'
     group by tableoid order by min(business_date)`,
    [firstOf(month)],
  );
}
