import type { Logger } from 'pino';
import type { Page } from '../alerting/channels/channel.ts';
import {
  countTry,
  queueTurn,
  recordHandedOver,
  type AlertFacts,
  type AlertTurn,
  type Delivery,
} from '../alerting/paging/deliveries.ts';
import { handOver, type Outcome } from '../alerting/paging/hand-over.ts';
import { inTime } from '../alerting/in-time.ts';
import { describe } from '../rules/errors.ts';
import { reachOf, type AlertInShort, type Reach } from '../rules/escalation.ts';
import { askingFor, contactsOf } from '../rules/on-call.ts';
import { archiveInTime } from './archive-in-time.ts';
import type { Deps } from './deps.ts';
import { runStep } from './step.ts';

/** A level that is to be paged now. */
export interface TurnToPage extends AlertTurn {
  /** How long the level has from now on, milliseconds. */
  readonly timeoutMs: number;
  readonly about: AlertInShort;
}

/** What came of paging a level. */
export interface Paged {
  /** Nobody is to be paged any more: acknowledged, resolved, or firing anew. */
  readonly isOver: boolean;
  readonly reach: Reach;
  /** What the archive could not be told: it is told at the end. */
  readonly unarchived: readonly string[];
}

/** A provider is given up on after so long at most, and after the level's own time where that is shorter. */
const LONGEST_CALL_MS = 60_000;
const SHORTEST_CALL_MS = 5_000;

/**
 * Pages everybody of a level: outbox rows first, then the calls, then what the providers answered. A crash between a
 * call and its answer pages again: twice perhaps, never not at all. An archive that does not answer keeps nobody from
 * being paged, by the on-call file as this worker has it.
 */
export const createPageLevel = (deps: Deps) =>
  async function pageLevel(turn: TurnToPage): Promise<Paged> {
    return runStep(deps.log, async ({ signal: stop, log }) => {
      const here = { ...deps, log };
      const queued = await queue(here, turn);
      if (!queued) return { isOver: true, reach: 'nobody', unarchived: [] };
      const { alert, deliveries } = queued;
      const callMs = Math.max(SHORTEST_CALL_MS, Math.min(turn.timeoutMs, LONGEST_CALL_MS));
      const signals = { signal: AbortSignal.timeout(callMs), stop };
      const pages = await Promise.all(
        deliveries.map(async (delivery): Promise<SentPage> => {
          if (delivery.state !== 'queued') return { ...delivery, isArchived: true }; // by an earlier try of this step
          const page = await pageFor(here, turn, alert, delivery.person);
          return send(here, turn, page, delivery, signals);
        }),
      );
      await sayHowSmsIs(here, pages);
      const unarchived = pages.filter(({ isArchived }) => !isArchived);
      return {
        isOver: false,
        reach: reachOf(pages.map(({ state }) => state)),
        unarchived: unarchived.map(
          ({ person, channel, state }) =>
            `round ${turn.round}, level ${turn.level}: ${person} by ${channel}, ${state}`,
        ),
      };
    });
  };

/** The rows of the turn; undefined where nobody is to be paged any more. */
async function queue(
  { warehouse, onCall: onCallNow, log }: Deps,
  turn: TurnToPage,
): Promise<{ readonly alert: AlertFacts; readonly deliveries: readonly Delivery[] } | undefined> {
  const addressees = (alert: AlertFacts) => {
    const { levels } = askingFor(alert.onCall, alert);
    return contactsOf(alert.onCall, (levels[turn.level - 1] ?? levels.at(-1))?.people ?? []);
  };
  try {
    return await archiveInTime('A page could not be queued', () => queueTurn(warehouse, turn, addressees));
  } catch (error) {
    const onCall = onCallNow();
    if (!onCall) throw error;
    log.error({ alertId: turn.alertId, error: describe(error) }, 'paging without the archive');
    const alert: AlertFacts = { ...turn.about, facts: {}, onCall };
    const rows = addressees(alert).map((one): Delivery => ({
      ...one,
      deliveryId: null,
      state: 'queued',
      providerId: null,
      isFolded: false,
    }));
    return { alert, deliveries: rows };
  }
}

/** The page for one person: a link of somebody else's would say that somebody else has answered. */
async function pageFor(
  { ackLink, log }: Deps,
  { alertId, firing, timeoutMs }: TurnToPage,
  alert: AlertFacts,
  person: string,
): Promise<Page> {
  const link = ackLink?.({ alertId, firing }, person).catch((error: unknown) => {
    log.error({ alertId, error: describe(error) }, 'the page goes out without its link');
    return undefined;
  });
  const { code, rule, severity, dataset, businessDate, sentence, facts, runbook } = alert;
  return {
    alertId,
    firing,
    code,
    rule,
    severity,
    dataset,
    businessDate,
    sentence,
    facts,
    runbook,
    ackLink: await link,
    validForMs: timeoutMs,
  };
}

interface SentPage extends Pick<Delivery, 'person' | 'channel' | 'state'> {
  readonly isArchived: boolean;
  readonly isChannelDown?: boolean;
}

async function send(
  deps: Deps,
  turn: TurnToPage,
  page: Page,
  delivery: Delivery,
  signals: Parameters<typeof handOver>[3],
): Promise<SentPage> {
  const { warehouse, log } = deps;
  const { alertId, round, level } = turn;
  const { person, channel, deliveryId } = delivery;
  const line = log.child({ alertId, round, level, person, channel });
  const archive = async (work: () => Promise<void>) => {
    if (deliveryId === null) return false;
    try {
      await archiveInTime('A page could not be recorded', work);
      return true;
    } catch (error) {
      line.error({ error: describe(error) }, 'the archive does not know of a page');
      return false;
    }
  };
  if (!delivery.isFolded) await archive(() => countTry(warehouse, delivery));
  const outcome = delivery.isFolded
    ? FOLDED
    : await handOver({ ...deps, log: line }, page, delivery, signals);
  sayWhatCame(line, outcome);
  const isArchived = await archive(() => recordHandedOver(warehouse, turn, delivery, outcome));
  return { person, channel, state: outcome.state, isArchived, isChannelDown: outcome.isChannelDown };
}

/** PagerDuty takes it, and adds it to what it has: nobody is called by it. */
const FOLDED: Outcome = {
  state: 'failed',
  providerId: null,
  error: 'PagerDuty has this alert by an earlier level, and calls nobody new for it',
  isChannelDown: false,
};

function sayWhatCame(log: Logger, { state, error }: Outcome): void {
  if (state === 'failed') log.error({ error }, 'page not sent');
  else log.info({ state }, 'page sent');
}

/**
 * That SMS do not go out is an alarm of its own: it reaches whoever has another channel. That it cannot be raised, or
 * resolved, must not page these people again.
 */
async function sayHowSmsIs({ alarm, log }: Deps, pages: readonly SentPage[]): Promise<void> {
  const key = { rule: 'sms-down', dataset: null, businessDate: null } as const;
  const sms = pages.filter(({ channel }) => channel === 'sms');
  try {
    if (sms.some(({ isChannelDown }) => isChannelDown))
      await alarm.raise({ ...key, sentence: 'Twilio does not take SMS' });
    else if (sms.some(({ state }) => state === 'sent' || state === 'delivered'))
      await inTime(() => alarm.resolve(key, 'an SMS was taken again'));
  } catch (error) {
    log.warn({ error: describe(error) }, 'whether SMS are down could not be archived');
  }
}
