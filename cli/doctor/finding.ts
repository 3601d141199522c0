import { describe } from '../../rules/errors.ts';

/** What one check found. */
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do about it. */
  readonly mend?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found });

export const warn = (check: string, found: string, mend: string): Finding => ({
  check,
  level: 'warn',
  found,
  mend,
});

export const fail = (check: string, found: string, mend: string): Finding => ({
  check,
  level: 'fail',
  found,
  mend,
});

/** A check that could not be made is a finding too: the others go on. */
export async function examine(
  check: string,
  mend: string,
  look: () => Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    const { hint, detail } = error as { hint?: string; detail?: string };
    const found =
      error instanceof Error ? [error.message, detail].filter(Boolean).join('\n') : describe(error);
    return [fail(check, found, hint ?? mend)];
  }
}
