import type { AlertOfRun } from '../alerting/archive/evidence.ts';
import type { Step } from '../alerting/runbook/runbook.ts';
import type { StepValues } from '../rules/step-variables.ts';

/** The steps that a run goes through, and those that it leaves out. */
export interface ChosenSteps {
  readonly steps: readonly Step[];
  readonly leftOut: readonly Step[];
}

/**
 * An engine that is down, a disk or a worker is no matter of one day: of an alert that names none, the steps of a day are
 * left out. Where nothing would be verified without them, all are kept, and the day is asked for.
 * @param given what is known of the alert, and what was typed
 */
export function chooseSteps(
  all: readonly Step[],
  alert: AlertOfRun | undefined,
  given: StepValues,
): ChosenSteps {
  const isOfNoDay = ({ variables }: Step) =>
    variables.some((name) => (name === 'dataset' || name === 'date') && given[name] === undefined);
  const steps = all.filter((step) => !isOfNoDay(step));
  if (!alert || !steps.some(({ section }) => section === 'Verification')) return { steps: all, leftOut: [] };
  return { steps, leftOut: all.filter(isOfNoDay) };
}
