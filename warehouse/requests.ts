import type { DataSource } from 'typeorm';
import type { RequestState } from '../rules/request.ts';
import { requestEntity, type RequestRow } from './entities/request.ts';

export type RequestRecord = Omit<RequestRow, 'receivedAt' | 'answeredAt'>;

/** Keeps a request with its answer so far; the last answer wins, the time of arrival stays. */
export async function recordRequest(warehouse: DataSource, request: RequestRecord): Promise<void> {
  await warehouse.query(
    `insert into nighttrain.request
       (request_id, kind, dataset, business_date, requested_by, reason, payload, state, answer, answered_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $8 <> 'accepted' then clock_timestamp() end)
     on conflict (request_id) do update
       set state = excluded.state, answer = excluded.answer, answered_at = excluded.answered_at`,
    [
      request.requestId,
      request.kind,
      request.dataset,
      request.businessDate,
      request.requestedBy,
      request.reason,
      JSON.stringify(request.payload),
      request.state,
      request.answer,
    ],
  );
}

/** The request and what was answered so far, or undefined where `control` has not recorded it yet. */
export async function findRequest(warehouse: DataSource, requestId: string): Promise<RequestRow | undefined> {
  return (await warehouse.getRepository(requestEntity).findOneBy({ requestId })) ?? undefined;
}

/** Whether control is done with a request. */
export function isAnswered(state: RequestState): boolean {
  return state !== 'accepted';
}
