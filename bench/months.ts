import { datesOfSet, generate } from '../local/generators/generate.ts';
import type { BusinessDate } from '../rules/business-date.ts';

export const INSURANCE = 'insurance-movements';

/** The first day of a month, counted on from a year's January. */
export function monthOf(year: number, monthsLater: number): BusinessDate {
  const month = String((monthsLater % 12) + 1).padStart(2, '0');
  return `${year + Math.floor(monthsLater / 12)}-${month}-01` as BusinessDate;
}

/** Makes a month's one file of insurance movements in an inbox; answers its path. */
export async function writeMonth(
  inbox: string,
  date: BusinessDate,
  rows: number,
  badPercent: number,
): Promise<string> {
  const dates = datesOfSet('insurance', date, date);
  const how = { parts: 1, gzip: false, seed: 'bench', drift: 0 };
  const { files } = await generate(
    { set: 'insurance', out: inbox, rows, dates, badPercent, ...how },
    new AbortController().signal,
    () => undefined,
  );
  const [file] = files;
  if (!file) throw new Error(`Nothing was generated for ${date}`);
  return file.file;
}
