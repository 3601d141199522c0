import { UsageError } from '../../rules/errors.ts';
import { CLEAN_DAY, type DayVariant } from './movements.ts';
import type { DayChange, Fault, Scenario } from './scenario.ts';

/** One page that was asked for, as faults are scoped by it. */
export interface PageRequest {
  readonly path: '/v1/stations' | '/v1/movements';
  /** None for stations. */
  readonly date: string | undefined;
  /** From 1. */
  readonly page: number;
}

/** A fault that is on, and how often it has struck. */
export interface FaultOnRecord {
  readonly fault: Fault;
  struck: number;
}

const MOST_FAULTS = 100;
const MOST_DAYS = 1_000;

/** What is switched on. */
export class Control {
  private faults: FaultOnRecord[] = [];
  private readonly days = new Map<string, DayChange>();

  /** Adds the scenario's faults to those that are on; its days replace those of the same date. */
  switchOn(scenario: Scenario): void {
    const { faults = [], days = [] } = scenario;
    const dates = new Set([...this.days.keys(), ...days.map(nameOf)]);
    if (this.faults.length + faults.length > MOST_FAULTS || dates.size > MOST_DAYS)
      throw new UsageError(`At most ${MOST_FAULTS} faults and ${MOST_DAYS} days can be on at once`, {
        hint: 'Clear them first: DELETE /control',
      });
    this.faults.push(...faults.map((fault) => ({ fault, struck: 0 })));
    for (const day of days) this.days.set(nameOf(day), day);
  }

  clear(): void {
    this.faults = [];
    this.days.clear();
  }

  /** What is on, as `GET /control` shows it; `left` is null for a fault that lasts. */
  show(): { faults: (Fault & { struck: number; left: number | null })[]; days: DayChange[] } {
    const faults = this.faults.map(({ fault, struck }) => ({
      ...fault,
      struck,
      left: fault.times === undefined ? null : fault.times - struck,
    }));
    return { faults, days: [...this.days.values()] };
  }

  variantOf(date: string): DayVariant {
    const { date: _, ...change } = this.days.get(date) ?? this.days.get(EVERY_DAY) ?? {};
    return { ...CLEAN_DAY, ...change };
  }

  /** The faults that strike this answer, in the order in which they were switched on; each is counted by the caller. */
  striking({ path, date, page }: PageRequest): FaultOnRecord[] {
    return this.faults.filter(
      ({ fault, struck }) =>
        (fault.path ?? path) === path &&
        (fault.date === undefined || fault.date === date) &&
        (fault.page ?? page) === page &&
        struck < (fault.times ?? Infinity),
    );
  }
}

const EVERY_DAY = 'every day';

function nameOf(day: DayChange): string {
  return day.date ?? EVERY_DAY;
}
