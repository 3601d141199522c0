import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { arrayFromPayloads } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { DataSource } from 'typeorm';
import { giveUp } from '../activities/requests.ts';
import {
  arrivedRequest,
  bytesOf,
  carriedRequests,
  MOST_CARRIED_BYTES,
  requestIdOf,
  type PendingRequest,
} from '../rules/pending-request.ts';
import { answeredAmong } from '../warehouse/requests.ts';
import { CONTROL_ID } from '../workflows/messages.ts';
import { payloadConverter } from '../workflows/payload-converter.ts';

/** A request that `control` has not survived that often may be what it dies of. */
const MOST_RESTARTS = 3;

/**
 * What a run of `control` that has ended left without an answer, in the order of arrival, for the run that is started
 * in its place: no more than one payload holds. What is not taken along gets its answer here.
 */
export async function leftRequests(
  client: Client,
  warehouse: DataSource,
  runId: string,
): Promise<PendingRequest[]> {
  const requests = await requestsOf(client, runId);
  const answered = await answeredAmong(warehouse, requests.map(requestIdOf));
  const left: PendingRequest[] = [];
  let bytes = 0;
  for (const request of requests.filter((one) => !answered.has(requestIdOf(one)))) {
    const restarts = (request.restarts ?? 0) + 1;
    const again = { ...request, restarts };
    bytes += bytesOf(again);
    if (restarts > MOST_RESTARTS) {
      const reason = `control was started anew ${MOST_RESTARTS} times without an answer to this; ask again`;
      await giveUp(warehouse, request, reason);
    } else if (bytes > MOST_CARRIED_BYTES) {
      await giveUp(warehouse, request, 'control was started anew, and too much was waiting; ask again');
    } else left.push(again);
  }
  return left;
}

/** What the run was started with, and every signal that it was sent: Temporal adds those on their way at its end. */
async function requestsOf(client: Client, runId: string): Promise<PendingRequest[]> {
  const requests: PendingRequest[] = [];
  let ordinal = 0;
  for (const event of await eventsOf(client, runId)) {
    const {
      workflowExecutionStartedEventAttributes: start,
      workflowExecutionSignaledEventAttributes: signal,
    } = event;
    if (start) requests.push(...carriedRequests(read(start.input)[0], runId));
    if (signal) {
      const at = { runId, ordinal: ++ordinal };
      requests.push(arrivedRequest(signal.signalName ?? '', read(signal.input), at));
    }
  }
  return requests;
}

async function eventsOf(client: Client, runId: string): Promise<temporal.api.history.v1.IHistoryEvent[]> {
  try {
    return (await client.workflow.getHandle(CONTROL_ID, runId).fetchHistory()).events ?? [];
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return []; // past its retention
    throw error;
  }
}

function read(input: temporal.api.common.v1.IPayloads | null | undefined): unknown[] {
  return arrayFromPayloads(payloadConverter, input?.payloads);
}
