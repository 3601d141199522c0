import type { Finding } from '../rules/alert.ts';
import { guardEventsReported, newGuardEvents, type GuardEvent } from '../warehouse/guards.ts';
import type { Deps } from './deps.ts';

/** Tells what guards have stopped, and who has opened them by hand, since anybody looked (R15): one alert a table and day. */
export async function reportGuards({ warehouse, alarm }: Pick<Deps, 'warehouse' | 'alarm'>): Promise<number> {
  const events = await newGuardEvents(warehouse);
  if (events.length === 0) return 0;
  const groups = new Map<string, GuardEvent[]>();
  for (const event of events) {
    const group = `${event.objectName ?? 'more than could be kept'}, ${event.at.slice(0, 10)}`;
    groups.set(group, [...(groups.get(group) ?? []), event]);
  }
  for (const [subject, group] of groups) {
    const last = group.findLast(({ kind }) => kind === 'opened') ?? group.at(-1);
    if (last) await alarm.raise(findingOf(subject, last, group), `guard ${last.eventId}`);
  }
  await guardEventsReported(warehouse, events);
  return groups.size;
}

function findingOf(subject: string, last: GuardEvent, group: readonly GuardEvent[]): Finding {
  const times = group.reduce((sum, event) => sum + event.times, 0);
  return {
    rule: 'guard-tripped',
    dataset: null,
    businessDate: null,
    subject,
    sentence: `${sentenceOf(last)}${times > 1 ? `; ${times} times since anybody looked` : ''}`,
    facts: { number: `${times} times`, events: group.slice(-20) },
  };
}

function sentenceOf(event: GuardEvent): string {
  const { kind, action, objectName, sessionRole, effectiveRole, clientAddress, reason, at } = event;
  if (action === null)
    return 'Guards stopped statements faster than they could be kept: the server’s log has them';
  const by = effectiveRole === null || effectiveRole === sessionRole ? '' : ` as ${effectiveRole}`;
  const who = `${sessionRole ?? 'somebody'}${by} from ${clientAddress ?? 'the server itself'} at ${at}`;
  const what = `${action} of ${objectName ?? 'what is no longer there'}`;
  return kind === 'stopped' ? `${what} by ${who} was stopped` : `${what} by ${who} was let pass: ${reason}`;
}
