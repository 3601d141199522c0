import type { AlertKey, Finding } from '../rules/alert.ts';
import type { AlertRule } from '../rules/alert-rules.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';

/** The one way in for everybody who has something to report. */
export interface Alarm {
  /**
   * Archives the finding, or spools it where PostgreSQL does not take it; has its escalation started where it is news.
   * Never throws for want of an engine: what it could not do is in the log.
   * @param occurrence names this one occurrence: raised again under the same name, it is not counted again
   */
  raise(finding: Finding, occurrence?: string): Promise<void>;
  /** Resolves what a rule has found and no longer finds: all of its alerts but `still`. */
  resolveOthers(rule: AlertRule, still: readonly AlertKey[]): Promise<void>;
  /** Resolves one alert where it is open. */
  resolve(key: AlertKey, why: string): Promise<void>;
  /** A night that loaded resolves what its own failures had raised. @param by the run that loaded it */
  resolveNight(day: DatasetDay, by: string): Promise<void>;
}
