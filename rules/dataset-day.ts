import type { BusinessDate } from './business-date.ts';

/** The unit that is loaded, replayed, fenced and audited (§1). */
export interface DatasetDay {
  readonly dataset: string;
  readonly businessDate: BusinessDate;
}

/** `flights of 2013-02-08`, as messages name a day. */
export function dayLabel({ dataset, businessDate }: DatasetDay): string {
  return `${dataset} of ${businessDate}`;
}
