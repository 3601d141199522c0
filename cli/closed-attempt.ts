import type { DataSource } from 'typeorm';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { NothingThere } from '../rules/errors.ts';
import { findLatestClosed } from '../warehouse/closed-attempt.ts';
import type { AttemptRow } from '../warehouse/entities/attempt.ts';

/** The attempt whose rejected rows count (R5). @throws NothingThere where none has ended */
export async function closedAttempt(warehouse: DataSource, day: DatasetDay): Promise<AttemptRow> {
  const attempt = await findLatestClosed(warehouse, day);
  if (attempt) return attempt;
  throw nothingKnown(day);
}

/** For a day of which there is nothing to show. */
export function nothingKnown(day: DatasetDay): NothingThere {
  return new NothingThere(`Nothing is known of ${dayLabel(day)}: no attempt was ever made`, {
    hint: `Load it: npx nighttrain run ${day.dataset} --date ${day.businessDate}`,
  });
}
