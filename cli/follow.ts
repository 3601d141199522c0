import { WorkflowFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { AttemptError } from '../rules/attempt.ts';
import { dayLabel, type DatasetDay } from '../rules/dataset-day.ts';
import { loadWorkflowId, type DayLoaded } from '../workflows/messages.ts';
import type { Output } from './output.ts';

/** Waits for the end of a load and says what came of it; exit code 1 unless the day is in the warehouse. */
export async function follow(client: Client, day: DatasetDay, runId: string, output: Output): Promise<void> {
  const handle = client.workflow.getHandle(loadWorkflowId(day), runId);
  try {
    const { receipt, alreadyLoaded } = (await handle.result()) as DayLoaded;
    const { counts } = receipt;
    output.line(
      alreadyLoaded
        ? `${dayLabel(day)} is loaded already, since ${receipt.committedAt}; to load it again: npx nighttrain replay ${day.dataset} ${day.businessDate} --reason …`
        : `${dayLabel(day)} is loaded: ${counts.loaded} rows of ${counts.read} read, ${counts.rejected} rejected, ${counts.discarded} discarded, ${counts.deduplicated} deduplicated`,
    );
    output.document({ ...day, state: 'loaded', alreadyLoaded, receipt });
  } catch (error) {
    const ending = endingOf(error);
    if (!ending) throw error;
    output.note([ending.message, ending.detail, ending.hint].filter(Boolean).join('\n'));
    output.document({ ...day, state: 'failed', error: ending });
    process.exitCode = 1;
  }
}

function endingOf(error: unknown): AttemptError | undefined {
  if (!(error instanceof WorkflowFailedError)) return undefined;
  const { cause } = error;
  if (cause instanceof CancelledFailure)
    return { name: 'Cancelled', message: 'The load was cancelled; nothing was written' };
  if (cause instanceof ApplicationFailure) {
    const [facts] = (cause.details ?? []) as AttemptError[];
    return facts ?? { name: cause.type ?? 'Error', message: cause.message };
  }
  return { name: cause?.name ?? 'Error', message: cause?.message ?? error.message };
}
