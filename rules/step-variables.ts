import { isCalendarDay } from './business-date.ts';

/** What a step of a runbook, or a question to the warehouse, may be told. Each kind says what is wrong with a value. */
const KINDS = {
  dataset: (value: string) =>
    /^[a-z][a-z0-9-]{0,31}$/.test(value) ? undefined : 'is no name of a dataset: a to z, 0 to 9 and -',
  date: (value: string) => (isCalendarDay(value) ? undefined : 'is not a day of the calendar: YYYY-MM-DD'),
  code: (value: string) => (/^\d{4,12}$/.test(value) ? undefined : 'is no code of an alert: digits alone'),
  reason: (value: string) => {
    if (value.trim() === '' || value.length > 200) return 'must have from 1 to 200 characters';
    if (value.startsWith('-')) return 'begins with -, which a command would take for an option';
    return /\p{Cc}/u.test(value) ? 'must be one line, without control characters' : undefined;
  },
} as const satisfies Readonly<Record<string, (value: string) => string | undefined>>;

export type StepVariable = keyof typeof KINDS;

/** Every name that there is. */
export const STEP_VARIABLES = Object.keys(KINDS) as readonly StepVariable[];

export function isStepVariable(name: string): name is StepVariable {
  return Object.hasOwn(KINDS, name);
}

/** What is wrong with a value, as the end of a sentence that begins with it; undefined where nothing is. */
export function wrongWith(name: StepVariable, value: string): string | undefined {
  return KINDS[name](value);
}

export type StepValues = Readonly<Partial<Record<StepVariable, string>>>;
