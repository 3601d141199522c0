import type { Outcome } from './night-under-fire.ts';

/** Figures of one fault. Times in milliseconds. */
export interface FaultFigures {
  readonly fault: string;
  readonly runs: number;
  /** How often it struck, and where. */
  readonly struck: number;
  readonly moments: Readonly<Record<string, number>>;
  readonly replays: number;
  readonly recoveryMs: { readonly median: number; readonly max: number };
  readonly violations: readonly { readonly seed: number; readonly violation: string }[];
}

/** What a run of the driver comes to, a line a fault. */
export function figuresOf(outcomes: readonly Outcome[]): FaultFigures[] {
  const byFault = grouped(outcomes);
  return [...byFault].map(([fault, all]) => ({
    fault,
    runs: all.length,
    struck: all.filter(({ hasStruck }) => hasStruck).length,
    moments: tally(all.filter(({ hasStruck }) => hasStruck).map(({ moment }) => moment)),
    replays: all.reduce((sum, { replays }) => sum + replays, 0),
    recoveryMs: spread(all.map(({ recoveryMs }) => recoveryMs)),
    violations: all.flatMap(({ seed, violations }) => violations.map((violation) => ({ seed, violation }))),
  }));
}

function grouped(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) groups.set(outcome.fault, [...(groups.get(outcome.fault) ?? []), outcome]);
  return groups;
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function spread(times: readonly number[]): { median: number; max: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** A line for a person who watches. */
export function lineOf({
  seed,
  fault,
  moment,
  dataset,
  hasStruck,
  choice,
  replays,
  recoveryMs,
  violations,
}: Outcome): string {
  const struck = hasStruck ? '' : ' (did not strike)';
  const by = replays > 0 ? `, replayed ${replays}x` : '';
  const verdict = violations.length > 0 ? `\n  ${violations.join('\n  ')}` : '';
  return `${seed} ${fault} at ${moment}${choice && ` (${choice})`}${struck}, ${dataset}: ${recoveryMs} ms${by}${verdict}`;
}
