import type { DataSource } from 'typeorm';
import { parseBusinessDate } from '../rules/business-date.ts';
import type { Dataset } from '../rules/dataset.ts';
import { isFuture } from '../rules/future.ts';
import { problemOfDate } from '../rules/month.ts';
import { requestIdOf, type PendingRequest } from '../rules/pending-request.ts';
import {
  parseRebootRequest,
  parseReplayRequest,
  shortened,
  type RebootRequest,
  type ReplayRequest,
} from '../rules/replay-request.ts';
import type { RequestState } from '../rules/request.ts';
import { warehouseError } from '../warehouse/failure.ts';
import { problemOfRelease } from '../warehouse/release.ts';
import { answer, findRequest, isAnswered, recordRequest } from '../warehouse/requests.ts';
import type { Deps } from './deps.ts';
import { runStep } from './step.ts';

/** A request that can go ahead. */
export type JudgedRequest =
  | { readonly kind: 'replayDay'; readonly request: ReplayRequest }
  | { readonly kind: 'coldReboot'; readonly request: RebootRequest };

/** Records a request; answers it where it can go ahead, null where it was refused or is known already. */
export const createJudgeRequest = ({ warehouse, datasets, log }: Deps) =>
  async function judgeRequest(pending: PendingRequest): Promise<JudgedRequest | null> {
    return runStep(log, async ({ log: line }) => {
      const { kind, payload, arrivalId } = pending;
      try {
        const judged = await unlessReleaseIsOver(warehouse, judge(pending, datasets));
        if (typeof judged === 'string') {
          await recordRequest(warehouse, { ...readable(pending), state: 'refused', answer: judged });
          line.warn({ requestId: arrivalId, kind, answer: judged }, 'request refused');
          return null;
        }
        const known = await findRequest(warehouse, judged.request.requestId);
        if (known && isAnswered(known.state)) return null;
        const { requestId, requestedBy, reason } = judged.request;
        const { dataset = null, businessDate = null } = judged.request as Partial<ReplayRequest>;
        const row = {
          requestId,
          kind,
          dataset,
          businessDate,
          requestedBy,
          reason,
          payload: shortened(payload),
        };
        await recordRequest(warehouse, { ...row, state: 'accepted', answer: 'accepted' });
        line.info({ requestId, kind, dataset, businessDate, requestedBy }, 'request accepted');
        return judged;
      } catch (error) {
        throw warehouseError(error, 'A request could not be recorded');
      }
    });
  };

/** Records the answer to an accepted request. */
export const createAnswerRequest = ({ warehouse, log }: Deps) =>
  async function answerRequest(requestId: string, state: RequestState, text: string): Promise<void> {
    return runStep(log, async ({ log: line }) => {
      try {
        await answer(warehouse, requestId, state, text);
        line.info({ requestId, state, answer: text }, 'request answered');
      } catch (error) {
        throw warehouseError(error, `The answer to request ${requestId} could not be recorded`);
      }
    });
  };

function judge(pending: PendingRequest, datasets: ReadonlyMap<string, Dataset>): JudgedRequest | string {
  const { kind, payload, arrivalId } = pending;
  if (kind === 'coldReboot') {
    const request = parseRebootRequest(payload, arrivalId);
    return typeof request === 'string' ? request : { kind, request };
  }
  if (kind !== 'replayDay') return `there is no signal '${kind.slice(0, 100)}'`;
  const request = judgeReplay(pending, datasets);
  return typeof request === 'string' ? request : { kind, request };
}

/** @returns why not, where the request is to carry out a release that cannot be any more */
async function unlessReleaseIsOver(
  warehouse: DataSource,
  judged: JudgedRequest | string,
): Promise<JudgedRequest | string> {
  if (typeof judged === 'string' || judged.kind !== 'replayDay') return judged;
  const { release, dataset, businessDate } = judged.request;
  if (release === undefined) return judged;
  return (await problemOfRelease(warehouse, release, { dataset, businessDate })) ?? judged;
}

function judgeReplay(
  { payload, arrivalId }: PendingRequest,
  datasets: ReadonlyMap<string, Dataset>,
): ReplayRequest | string {
  const request = parseReplayRequest(payload, arrivalId);
  if (typeof request === 'string') return request;
  const dataset = datasets.get(request.dataset);
  if (!dataset) return `there is no dataset '${request.dataset.slice(0, 40)}'`;
  if (isFuture(request.businessDate, new Date().toISOString(), dataset.schedule?.timeZone)) {
    return `${request.businessDate} lies in the future`;
  }
  return problemOfDate(dataset, request.businessDate) ?? request;
}

/** Records that nothing will be done for a request, even where it was accepted before. */
export async function giveUp(warehouse: DataSource, pending: PendingRequest, reason: string): Promise<void> {
  await recordRequest(warehouse, { ...readable(pending), state: 'failed', answer: reason });
  await answer(warehouse, requestIdOf(pending), 'failed', reason);
}

/** What is kept of a request that makes no sense: whatever of it can be read, so that its sender finds it again. */
function readable(pending: PendingRequest) {
  const { kind, payload } = pending;
  const fields = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
  const text = (name: string) => {
    const value = fields[name];
    return typeof value === 'string' ? value.slice(0, 100) : undefined;
  };
  return {
    requestId: requestIdOf(pending),
    kind: kind.slice(0, 100),
    dataset: text('dataset') ?? null,
    businessDate: parseBusinessDate(text('businessDate') ?? '') ?? null,
    requestedBy: text('requestedBy') ?? 'unknown',
    reason: text('reason') ?? '',
    payload: shortened(payload),
  };
}
