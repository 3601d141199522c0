import { createHash, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { AlertRule } from '../../rules/alert-rules.ts';
import type { AlertKey, Finding } from '../../rules/alert.ts';
import type { DatasetDay } from '../../rules/dataset-day.ts';
import { describe } from '../../rules/errors.ts';
import { aboutOf, announce, archiveOne, BY, type AlarmParts } from './announce.ts';
import type { Archived } from '../archive/archive.ts';
import { drain } from './drain.ts';
import { inTime } from '../in-time.ts';
import { resolveKey, resolveNight, resolveOthers, resolveWhatIsOver } from '../archive/over.ts';
import { Spool, type Spooled } from './spool.ts';
import { Turns } from './turns.ts';

/** The one way in for everybody who has something to report. */
export interface Alarm {
  /**
   * Archives the finding, or spools it where PostgreSQL does not take it; has its escalation started where it is news.
   * Never throws for want of an engine: what it could not do is in the log.
   * @param occurrence names this one occurrence: raised again under the same name, it is not counted again
   * @returns whether it is news, as far as the archive could be asked
   */
  raise(finding: Finding, occurrence?: string): Promise<boolean>;
  /** Resolves what a rule has found and no longer finds: all of its alerts but `still`. */
  resolveOthers(rule: AlertRule, still: readonly AlertKey[], why: string): Promise<void>;
  /** Resolves one alert where it is open. */
  resolve(key: AlertKey, why: string): Promise<void>;
  /** A night that loaded resolves what its own failures had raised. @param by the run that loaded it */
  resolveNight(day: DatasetDay, by: string): Promise<void>;
  /** Resolves alerts of days that were loaded since, and storms whose alerts are all resolved. */
  resolveWhatIsOver(): Promise<void>;
  /** Takes over what waits in the spool, each finding once; answers how many it archived. */
  drainSpool(): Promise<number>;
}

/** Transactions at once: ten thousand findings must leave connections to the nights. */
const AT_ONCE = 2;

/** Raises alerts through the given pool. */
export function alarmOf(parts: AlarmParts): Alarm {
  const { warehouse, log } = parts;
  const spool = new Spool(parts.spoolFolder);
  const turns = new Turns(AT_ONCE);
  const resolving = async (why: string, resolve: () => Promise<readonly string[]>) => {
    const resolved = await resolve();
    if (resolved.length > 0) log.info({ alerts: resolved.length, why }, 'alerts resolved');
    await tell(parts, resolved);
  };
  return {
    raise: async (finding, named) => {
      // One without a name gets it now: an archive that took it after all, and too late, knows it when it is drained.
      const occurrence = named === undefined ? randomUUID() : uuidOf(named);
      const foundAt = new Date().toISOString();
      let archived: Archived | undefined;
      try {
        archived = await turns.take(() => inTime(() => archiveOne(parts, finding, { occurrence })));
      } catch (error) {
        await keep(spool, { occurrence, foundAt, finding }, error, log);
        return false;
      }
      if (archived) await announce(parts, finding, archived);
      return archived?.isNews ?? false;
    },
    resolve: (key, why) =>
      resolving(why, () => resolveKey(warehouse, key, { by: BY, via: 'archive', note: why })),
    resolveOthers: (rule, still, why) =>
      resolving(why, () => resolveOthers(warehouse, rule, still, { by: BY, via: 'archive', note: why })),
    resolveNight: (day, by) =>
      resolving('loaded', () =>
        resolveNight(warehouse, day, { by, via: 'load', note: 'The day was loaded' }),
      ),
    resolveWhatIsOver: () => resolving('over', () => resolveWhatIsOver(warehouse, { by: BY, via: 'sweep' })),
    drainSpool: () =>
      drain(parts, spool).catch((error: unknown) => {
        log.error({ folder: spool.folder, error: describe(error) }, 'the spool cannot be read');
        return 0;
      }),
  };
}

async function keep(spool: Spool, spooled: Spooled, cause: unknown, log: Logger): Promise<void> {
  const { finding } = spooled;
  try {
    await spool.keep(spooled);
    log.error(
      { ...aboutOf(finding), error: describe(cause) },
      `${finding.sentence} (kept in the spool: the archive did not take it)`,
    );
  } catch (error) {
    // The log line is all that is left of it.
    log.fatal(
      { finding, error: describe(cause), spool: describe(error) },
      'an alert could neither be archived nor spooled',
    );
  }
}

async function tell({ alertChanged, log }: AlarmParts, alertIds: readonly string[]): Promise<void> {
  for (const alertId of alertIds) {
    try {
      await inTime(() => alertChanged(alertId));
    } catch (error) {
      log.warn({ alertId, error: describe(error) }, 'an escalation was not told; it looks before it pages');
    }
  }
}

/** The same occurrence has the same UUID, whoever names it. */
function uuidOf(occurrence: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(occurrence)) return occurrence;
  const hash = createHash('sha256').update(occurrence).digest('hex');
  return hash.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
