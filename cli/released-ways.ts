import type { AttemptState } from '../rules/attempt.ts';
import type { ReleasedCount, ReleasedRow } from '../rules/release.ts';
import { count } from './figures.ts';

/** What a row that had been rejected has become, given how the attempt ended that judged it again. */
export function wayOf(
  { rule, became, becameRule }: Pick<ReleasedRow, 'rule' | 'became' | 'becameRule'>,
  attempt: AttemptState,
): string {
  if (became === 'rejected') return becameRule === rule ? 'rejected again' : `rejected by ${becameRule}`;
  if (became !== 'staged') return became;
  if (attempt === 'running') return 'being loaded';
  return attempt === 'loaded' ? 'loaded' : 'not loaded';
}

/** `no-amount: 2 loaded, 1 rejected again`, a line for each rule. */
export function waysByRule(counts: readonly ReleasedCount[], attempt: AttemptState): string[] {
  const rules = [...new Set(counts.map(({ rule }) => rule))];
  return rules.map((rule) => {
    const ways = counts.filter((one) => one.rule === rule);
    return `${rule}: ${ways.map((way) => `${count(way.rows)} ${wayOf(way, attempt)}`).join(', ')}`;
  });
}
