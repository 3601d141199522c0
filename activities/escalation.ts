import { acknowledge, resolve } from '../alerting/archive/archive.ts';
import {
  beginEscalation,
  endEscalation as end,
  type EscalationEnding,
} from '../alerting/paging/escalations.ts';
import type { AlertRule } from '../rules/alert-rules.ts';
import type { Acknowledgement, AlertInShort, EscalationPlan } from '../rules/escalation.ts';
import { warehouseError } from '../warehouse/failure.ts';
import type { Deps } from './deps.ts';
import { runStep } from './step.ts';

/** Who is to be asked about an alert, and from where on; null where nobody is, now or any more. */
export const createPlanEscalation = ({ warehouse, log }: Deps) =>
  async function planEscalation(alertId: string): Promise<EscalationPlan | null> {
    return runStep(log, async ({ log: line }) => {
      try {
        const plan = await beginEscalation(warehouse, alertId);
        if (plan) line.info({ alertId, rule: plan.about.rule, from: plan.from }, 'escalation under way');
        return plan ?? null;
      } catch (error) {
        throw warehouseError(error, `The escalation of alert ${alertId} could not be planned`);
      }
    });
  };

/** Archives an acknowledgement that came by signal. */
export const createAcknowledgeAlert = ({ warehouse, log }: Deps) =>
  async function acknowledgeAlert(alertId: string, who: Acknowledgement): Promise<void> {
    return runStep(log, async ({ log: line }) => {
      try {
        const { outcome } = await acknowledge(warehouse, { alertId }, who);
        line.info({ alertId, by: who.by, via: who.via, outcome }, 'alert acknowledged by signal');
      } catch (error) {
        throw warehouseError(error, `The acknowledgement of alert ${alertId} could not be archived`);
      }
    });
  };

/** Marks an alert's paging as over; that nobody answered is an alert of its own, about which everybody is told once. */
export const createEndEscalation = ({ warehouse, alarm, log }: Deps) =>
  async function endEscalation(
    alertId: string,
    ending: EscalationEnding & { readonly about: AlertInShort },
  ): Promise<boolean> {
    return runStep(log, async ({ log: line }) => {
      const { about, firing } = ending;
      try {
        const isExhausted = await end(warehouse, alertId, ending);
        line.info({ alertId, firing, isExhausted }, 'escalation ended');
        if (!isExhausted || about.rule === EXHAUSTED) return isExhausted; // everybody was asked about that
        if (about.rule === TEST) {
          await resolve(warehouse, { alertId }, { ...NOBODY, note: 'Nobody has answered the test' });
          return isExhausted; // whoever tests looks for himself, and wakes nobody else
        }
        await alarm.raise(
          {
            rule: EXHAUSTED,
            dataset: about.dataset,
            businessDate: about.businessDate,
            subject: alertId,
            sentence: `Nobody has answered alert ${about.code}: ${about.sentence}`,
            facts: { alert: about.code, number: `alert ${about.code}` },
          },
          `${alertId}/${firing}`,
        );
        return isExhausted;
      } catch (error) {
        throw warehouseError(error, `The escalation of alert ${alertId} could not be ended`);
      }
    });
  };

const EXHAUSTED = 'escalation-exhausted' satisfies AlertRule;
const TEST = 'test-page' satisfies AlertRule;
const NOBODY = { by: 'nighttrain', via: 'escalation' } as const;
