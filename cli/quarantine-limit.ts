import { InvalidArgumentError } from 'commander';

/** Rows that a command shows at most. */
export const MOST_SHOWN = 1_000;

/** For commander. */
export function limitNamed(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MOST_SHOWN) return number;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_SHOWN}.`);
}
