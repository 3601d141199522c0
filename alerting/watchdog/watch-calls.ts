import { randomUUID } from 'node:crypto';
import { ALERT_RULES, type Severity } from '../../rules/alert-rules.ts';
import { askingFor, isPaged, type Contact, type Level, type OnCall } from '../../rules/on-call.ts';
import type { Page } from '../channels/channel.ts';
import { handOver, type Desk } from '../paging/hand-over.ts';
import { idOf, type Call, type Callee, type Trouble } from './watch-state.ts';

/** What paging without any engine needs. */
export interface CallParts extends Desk {
  readonly onCall: () => OnCall | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A provider is given up on after so long: meanwhile nobody looks. */
const LONGEST_CALL_MS = 30_000;

const severityOf = ({ finding }: Pick<Trouble, 'finding'>): Severity => ALERT_RULES[finding.rule].severity;

/** Those whom somebody is to be paged for. */
export function pagedAmong(troubles: readonly Trouble[], onCall: OnCall | undefined): Trouble[] {
  return troubles.filter((trouble) => isPaged(onCall, severityOf(trouble)));
}

const WORST_FIRST: Readonly<Record<Severity, number>> = { critical: 0, error: 1, warn: 2 };

/** One page for all that was found together: three telephones ringing at once say no more than one. */
export function beginCall(troubles: readonly Trouble[], at: string): Call {
  const [worst, ...others] = troubles.toSorted(
    (a, b) => WORST_FIRST[severityOf(a)] - WORST_FIRST[severityOf(b)],
  );
  if (!worst) throw new RangeError('a call is about something');
  const also = others.length > 0 ? `. Also: ${others.map(({ finding }) => finding.sentence).join('. ')}` : '';
  return {
    callId: randomUUID(),
    troubles: troubles.map(idOf),
    over: [],
    finding: { ...worst.finding, sentence: `${worst.finding.sentence}${also}` },
    startedAt: at,
    turns: 0,
    turnAt: at,
    callees: [],
    told: [],
    state: 'calling',
  };
}

/** The turns of a call: every level, as often as there are rounds. */
function turnsOf(onCall: OnCall, { finding }: Call): readonly Level[] {
  const { levels, rounds } = askingFor(onCall, finding);
  return Array.from({ length: rounds }, () => levels).flat();
}

/**
 * Goes on with a call as far as it goes now: calls whom nobody has called yet, then, once a level's time is over or
 * nobody of it could be reached, the next level.
 * @param keep is handed the call whenever it has changed: before anybody is called, and after
 */
export async function goOn(
  parts: CallParts,
  call: Call,
  keep: (call: Call) => Promise<void>,
  stop: AbortSignal,
): Promise<Call> {
  let now = call;
  const change = async (changes: Partial<Call>) => {
    now = { ...now, ...changes };
    await keep(now);
  };
  for (;;) {
    const onCall = parts.onCall();
    if (!onCall || stop.aborted) return now;
    const turns = turnsOf(onCall, now);
    const level = turns[now.turns - 1];
    if (level && now.callees.some(({ state }) => state === 'to call')) {
      await callLevel(parts, onCall, level, now, change, stop);
      continue;
    }
    const isLevelOver =
      !level ||
      now.callees.every(({ state }) => state === 'failed') ||
      parts.now() >= Date.parse(now.turnAt) + level.timeoutMs;
    if (!isLevelOver) return now;
    const next = turns[now.turns];
    if (!next) {
      await change({ state: 'exhausted' });
      parts.log.fatal({ callId: now.callId }, 'nobody has answered the watchdog, and nobody is left to call');
      return now;
    }
    const turnAt = new Date(parts.now()).toISOString();
    await change({ turns: now.turns + 1, turnAt, callees: calleesOf(onCall, next) });
  }
}

function calleesOf({ people }: OnCall, { people: ids }: Level): Callee[] {
  return ids.flatMap((person) =>
    (people[person]?.channels ?? []).map((_contact, channel): Callee => ({
      person,
      channel,
      state: 'to call',
    })),
  );
}

async function callLevel(
  parts: CallParts,
  onCall: OnCall,
  level: Level,
  call: Call,
  change: (changes: Partial<Call>) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  let { callees, told } = call;
  const page = pageOf(call, call.finding.sentence, level.timeoutMs);
  await Promise.all(
    callees.map(async (callee, place) => {
      if (callee.state !== 'to call') return;
      const state = (await tell(parts, onCall, callee, page, stop)) ? 'told' : 'failed';
      callees = callees.with(place, { ...callee, state });
      if (state === 'told') told = [...told.filter((one) => !isSame(one, callee)), { ...callee, state }];
      await change({ callees, told });
    }),
  );
}

const contactOf = ({ people }: OnCall, { person, channel }: Callee): Contact | undefined =>
  people[person]?.channels[channel];

const isSame = (a: Callee, b: Callee) => a.person === b.person && a.channel === b.channel;

/**
 * Tells everybody who was told that it is over.
 * @param keep is handed those who have not heard it yet, whenever one has
 * @returns who has not heard it: their provider does not take it now
 */
export async function sayOver(
  parts: CallParts,
  call: Call,
  keep: (unheard: readonly Callee[]) => Promise<void>,
  stop: AbortSignal,
): Promise<readonly Callee[]> {
  const onCall = parts.onCall();
  if (!onCall) return call.told;
  const sentence = `Over: ${call.over.join('. ')}`;
  const page: Page = { ...pageOf(call, sentence, LONGEST_CALL_MS), isOver: true };
  const told = call.told.filter((callee) => contactOf(onCall, callee)); // the rota may have changed
  let unheard = told;
  await Promise.all(
    told.map(async (callee) => {
      if (!(await tell(parts, onCall, callee, page, stop))) return;
      unheard = unheard.filter((one) => !isSame(one, callee));
      await keep(unheard);
    }),
  );
  return unheard;
}

function pageOf({ callId, finding, startedAt }: Call, sentence: string, validForMs: number): Page {
  const { rule, dataset, businessDate, facts = {} } = finding;
  const { severity, runbook } = ALERT_RULES[rule];
  return {
    alertId: callId,
    firing: 1,
    code: undefined,
    rule,
    severity,
    dataset,
    businessDate,
    sentence,
    runbook,
    validForMs,
    facts: { ...facts, 'found by': 'the watchdog', since: startedAt },
    ackLink: undefined,
  };
}

/** Whether it was taken. Whoever stops us meanwhile is told nothing: the next watchdog calls again. */
async function tell(
  parts: CallParts,
  onCall: OnCall,
  callee: Callee,
  page: Page,
  stop: AbortSignal,
): Promise<boolean> {
  const contact = contactOf(onCall, callee);
  if (!contact) return false; // the rota has changed meanwhile
  const signal = AbortSignal.timeout(LONGEST_CALL_MS);
  const { state, error } = await handOver(parts, page, contact, { signal, stop });
  const line = { person: callee.person, channel: contact.channel, rule: page.rule };
  if (state === 'failed') parts.log.error({ ...line, error }, 'the watchdog could not page');
  else parts.log.warn(line, page.isOver ? 'the watchdog has said that it is over' : 'the watchdog has paged');
  return state !== 'failed';
}
