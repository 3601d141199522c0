import {
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  acknowledgementOf,
  nextLookMs,
  turnsFrom,
  type EscalationPlan,
  type Turn,
} from '../rules/escalation.ts';
import {
  acknowledge,
  alertChanged,
  deliveryChanged,
  type EscalationEnd,
  type EscalationRequest,
} from './messages.ts';
import { escalating } from './policies.ts';
import { dayIs } from './search-attributes.ts';

const { planEscalation, pageLevel, checkDeliveries, acknowledgeAlert, endEscalation } = escalating;

/**
 * Asks level after level, round after round, until somebody answers for an alert (§1, escalate). Who has answered, and
 * whether the alert still fires, is what the archive says: every page looks there first. An alert that fires again
 * meanwhile is asked about anew.
 */
export async function escalation({ alertId }: EscalationRequest): Promise<EscalationEnd> {
  const bell = new Bell();
  setHandler(alertChanged, () => bell.ring());
  setHandler(deliveryChanged, () => bell.ring());
  setHandler(acknowledge, (payload) => bell.answer(acknowledgeAlert(alertId, acknowledgementOf(payload))));

  let end: EscalationEnd = 'nothing to ask';
  do {
    await condition(allHandlersFinished);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof escalation>({ alertId });
    bell.silence();
    const plan = await planEscalation(alertId);
    if (!plan) continue;
    sayDay(plan);
    end = await ask(alertId, plan, bell);
    bell.ring(); // it may fire again by now
  } while (bell.isRinging);
  return end;
}

/** So that Temporal's own tools find the escalation by the night that it is about. */
function sayDay({ about: { dataset, businessDate } }: EscalationPlan): void {
  if (dataset !== null && businessDate !== null) upsertSearchAttributes(dayIs({ dataset, businessDate }));
}

/** Asks each level until one answers. */
async function ask(alertId: string, plan: EscalationPlan, bell: Bell): Promise<EscalationEnd> {
  const unarchived: string[] = [];
  let isAnswered = false;
  for (const turn of turnsFrom(plan)) {
    isAnswered = await answers({ alertId, plan, turn, unarchived }, bell);
    if (isAnswered) break;
  }
  const { firing, about } = plan;
  const isExhausted = await endEscalation(alertId, { firing, isExhausted: !isAnswered, unarchived, about });
  return isExhausted ? 'exhausted' : 'answered';
}

interface Asked {
  readonly alertId: string;
  readonly plan: EscalationPlan;
  readonly turn: Turn;
  /** Pages that the archive does not know of. */
  readonly unarchived: string[];
}

/** Pages a level and waits; false once the next level is to be asked: its time is over, or nobody was reached. */
async function answers({ alertId, plan, turn, unarchived }: Asked, bell: Bell): Promise<boolean> {
  const { firing, about } = plan;
  const timeoutMs = plan.timeoutsMs[turn.level - 1] ?? 0;
  const begunAt = Date.now();
  if (bell.isAnswered) return true;
  const paged = await pageLevel({ alertId, firing, ...turn, timeoutMs, about });
  unarchived.push(...paged.unarchived);
  let { isOver, reach } = paged;
  while (!isOver && !bell.isAnswered) {
    const elapsedMs = Date.now() - begunAt;
    if (reach === 'nobody' || elapsedMs >= timeoutMs) return false;
    const leftMs = timeoutMs - elapsedMs;
    const lookMs = reach === 'perhaps' ? nextLookMs(elapsedMs) : leftMs;
    const hasRung = await bell.rings(Math.min(lookMs, leftMs));
    if (!hasRung && lookMs >= leftMs) return false; // before the next page the archive is asked anyway
    bell.isRinging = false;
    ({ isOver, reach } = (await checkDeliveries({ alertId, firing, ...turn })) ?? { isOver, reach });
  }
  return true;
}

/** What has come from outside since it was last looked at. */
class Bell {
  /** Something has changed. */
  isRinging = false;
  /** Somebody has acknowledged by signal; the archive hears of it, at once or when it is back. */
  isAnswered = false;

  ring(): void {
    this.isRinging = true;
  }

  async answer(archived: Promise<void>): Promise<void> {
    this.isAnswered = true;
    this.ring();
    await archived.catch((error: unknown) =>
      log.error('an acknowledgement could not be archived', { error }),
    );
    this.ring();
  }

  /** Before the archive is asked for everything anew. */
  silence(): void {
    this.isRinging = false;
    this.isAnswered = false;
  }

  async rings(withinMs: number): Promise<boolean> {
    return condition(() => this.isRinging || this.isAnswered, withinMs);
  }
}
