import { randomUUID } from 'node:crypto';
import type { Finding } from '../../rules/alert.ts';
import type { WatchAck } from './watch-ack.ts';

/** Something that a check found. */
export interface Found {
  /** Tells apart what one check finds: a night, a worker. Empty: all that it looks at. */
  readonly subject: string;
  readonly finding: Finding;
  /** Nobody else would page about this, nor about anything: PostgreSQL, Temporal or every worker is down. */
  readonly breaksThePath: boolean;
}

/** What a check saw. `unknown`: it could not be asked, and what it saw before stands. */
export type Seen =
  { readonly is: 'good' | 'unknown' } | { readonly is: 'bad'; readonly found: readonly Found[] };

/** Something that is wrong, from the first look that found it until all that it led to is done. */
export interface Trouble extends Found {
  readonly check: string;
  /** Looks in a row that found it. */
  readonly looks: number;
  /** ISO 8601. */
  readonly since: string;
  /** Since when it is believed, ISO 8601, and the name of this occurrence in spool and archive. */
  readonly confirmed?: { readonly at: string; readonly occurrence: string };
  /**
   * Who tells people: nobody yet; the archive, which has taken the finding from the spool; or we ourselves.
   */
  readonly told: 'nobody' | 'archive' | 'people';
  readonly isSpooled: boolean;
  /** Who has seen it, of those whom we told, and since when; the archive is to know. */
  readonly seen?: WatchAck;
  /** Since when it is over, ISO 8601; what follows from that is not done yet. */
  readonly overAt?: string;
}

/** One way to one person in a call, by its place in the on-call file: no number is written down. */
export interface Callee {
  readonly person: string;
  /** Among the person's channels. */
  readonly channel: number;
  readonly state: 'to call' | 'told' | 'failed';
}

/** A page of the watchdog's own, about one trouble or several that were found together. */
export interface Call {
  /** A UUID: what PagerDuty knows the incident by. */
  readonly callId: string;
  /** Which troubles of those that are on: `idOf` each. */
  readonly troubles: readonly string[];
  /** Which of them were, as people are told. */
  readonly over: readonly string[];
  /** The worst of them, as people are told. */
  readonly finding: Finding;
  readonly startedAt: string;
  /** How many turns (a level of a round) were begun, and when the last was. */
  readonly turns: number;
  readonly turnAt: string;
  /** Of the last turn. */
  readonly callees: readonly Callee[];
  /** Everybody who was told: they are told when it is over, too. */
  readonly told: readonly Callee[];
  /** Since when all of it is over, and when people were last told so, ISO 8601: some may still have to be. */
  readonly ending?: { readonly since: string; readonly saidAt: string };
  /** `handed over`: the archive has all of it, and pages by itself. */
  readonly state: 'calling' | 'acknowledged' | 'exhausted' | 'handed over';
}

/** All that a watchdog that is started again must know, so that it pages nobody twice. */
export interface WatchState {
  readonly troubles: readonly Trouble[];
  readonly calls: readonly Call[];
}

export const QUIET: WatchState = { troubles: [], calls: [] };

export const idOf = ({ check, subject }: Pick<Trouble, 'check' | 'subject'>): string => `${check}/${subject}`;

/** Whether a trouble is believed, and not over. */
export const isOn = ({ confirmed, overAt }: Trouble): boolean =>
  confirmed !== undefined && overAt === undefined;

/** Nobody has answered a call, and nobody else sees to it: also where there is nobody left to call. */
export const isUnanswered = ({ state, troubles }: Call): boolean =>
  troubles.length > 0 && (state === 'calling' || state === 'exhausted');

/**
 * What is wrong after a look. What one look found is believed once `looksInARow` have found it; what was believed and
 * is found no more is over; what was not believed yet is forgotten.
 */
export function judge(
  before: readonly Trouble[],
  seen: ReadonlyMap<string, Seen>,
  { at, looksInARow }: { readonly at: string; readonly looksInARow: number },
): Trouble[] {
  const after: Trouble[] = [];
  for (const trouble of before) {
    const look = seen.get(trouble.check);
    const found =
      look?.is === 'bad' ? look.found.find(({ subject }) => subject === trouble.subject) : undefined;
    if (trouble.overAt !== undefined || look?.is === 'unknown' || !look) after.push(trouble);
    else if (found) after.push(foundAgain(trouble, found, at, looksInARow));
    else if (look.is === 'bad' && look.found.some(isOfAll))
      after.push(trouble); // that all is bad says that it is, too
    else if (trouble.confirmed) after.push({ ...trouble, overAt: at });
  }
  const known = new Set(before.map(idOf));
  for (const [check, look] of seen) {
    if (look.is !== 'bad') continue;
    for (const found of look.found) {
      if (known.has(idOf({ check, ...found }))) continue;
      const fresh = { check, ...found, looks: 0, since: at, told: 'nobody', isSpooled: false } as const;
      after.push(foundAgain(fresh, found, at, looksInARow));
    }
  }
  return after;
}

const isOfAll = ({ subject }: Found): boolean => subject === '';

/** What people are told stays as it was when it was first believed. */
function foundAgain(trouble: Trouble, found: Found, at: string, looksInARow: number): Trouble {
  const { breaksThePath } = found;
  const looks = trouble.looks + 1;
  if (trouble.confirmed) return { ...trouble, breaksThePath, looks };
  const confirmed = looks >= looksInARow ? { at, occurrence: randomUUID() } : undefined;
  return { ...trouble, ...found, looks, ...(confirmed && { confirmed }) };
}
