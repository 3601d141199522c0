import { AsyncLocalStorage } from 'node:async_hooks';

/** What a step is about, as far as it is known. */
interface About {
  readonly dataset?: string | undefined;
  readonly businessDate?: string | null | undefined;
  readonly epoch?: number | undefined;
  readonly loadId?: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const steps = new AsyncLocalStorage<{ fields: Fields }>();

/** Does the work of a step; every line that is logged meanwhile carries its fields, whoever logs it. */
export function withStepFields<T>(fields: Fields, work: () => Promise<T>): Promise<T> {
  return steps.run({ fields }, work);
}

/** From here on the lines of this step say what it is about, too; what is not given stays as it was. */
export function addStepFields({ dataset, businessDate, epoch, loadId }: About): void {
  const step = steps.getStore();
  if (!step) return;
  const known = Object.entries({ dataset, businessDate, epoch, loadId }).filter(([, value]) => value != null);
  step.fields = { ...step.fields, ...Object.fromEntries(known) };
}

/** For a logger's `mixin`: the fields of the step that is logging; none outside of one. */
export function stepFields(): Record<string, unknown> {
  return { ...steps.getStore()?.fields };
}
