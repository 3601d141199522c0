import type { AlertRule } from '../../rules/alert-rules.ts';
import type { Stage } from './stage.ts';

/** What has gone wrong, and what the runbook must be told of it. */
export interface Trouble {
  readonly dataset: string;
  readonly date: string;
  /** What pages; nothing where nobody is told before somebody looks. */
  readonly alert?: AlertRule;
  /** What the watchdog pages by itself, in its words: nobody else can. */
  readonly watchdogSays?: string;
  /** When it went wrong, milliseconds since 1970. */
  readonly at: number;
}

/** An incident of the game day, named like its runbook. */
export interface Incident {
  readonly runbook: string;
  /** It takes an engine down: nobody else may be at work. */
  readonly isExclusive?: boolean;
  /** Causes it for real. @param date a day of its own */
  cause(stage: Stage, date: string): Promise<Trouble>;
  /** What others do before the runbook can help: the owner of the source, the DBA, whoever supervises workers. */
  heal?(stage: Stage, trouble: Trouble): Promise<void>;
}
