import { connectClient } from '../worker/temporal.ts';
import { applySchedules, type ScheduleChange } from '../worker/schedules.ts';
import type { Installation } from './installation.ts';
import type { Output } from './output.ts';

/** What bringing the schedules in line would change. Changes nothing. */
export async function planSchedules({
  temporal,
  datasets,
}: Pick<Installation, 'temporal' | 'datasets'>): Promise<ScheduleChange[]> {
  const client = await connectClient(temporal);
  try {
    return await applySchedules(client, [...datasets.values()], true);
  } finally {
    await client.connection.close();
  }
}

/** Prints a plan, one schedule a line. */
export function sayPlanned(changes: readonly ScheduleChange[], output: Output): void {
  const verbs = { create: 'would be created', update: 'would be updated', delete: 'would be deleted' };
  for (const { scheduleId, action } of changes) {
    output.line(`${scheduleId}  ${action === 'keep' ? 'stays as it is' : verbs[action]}`);
  }
  output.document({ schedules: changes });
}
