import type { DataSource } from 'typeorm';
import type { RequestState } from '../rules/request.ts';
import { storableText, toJsonb } from './storable.ts';
import { requestEntity, type RequestRow } from './entities/request.ts';

export type RequestRecord = Omit<RequestRow, 'receivedAt' | 'answeredAt'>;

/** Keeps a request as it came; one that is there already stays as it is. */
export async function recordRequest(warehouse: DataSource, request: RequestRecord): Promise<void> {
  const { payload, ...row } = request;
  await warehouse.query(
    `insert into nighttrain.request
       (request_id, kind, dataset, business_date, requested_by, reason, state, answer, payload, answered_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, case when $7 <> 'accepted' then clock_timestamp() end)
     on conflict (request_id) do nothing`,
    [
      row.requestId,
      storableText(row.kind),
      row.dataset === null ? null : storableText(row.dataset),
      row.businessDate,
      storableText(row.requestedBy),
      storableText(row.reason),
      row.state,
      storableText(row.answer),
      toJsonb(payload),
    ],
  );
}

/** Writes the answer to a request that was accepted. */
export async function answer(
  warehouse: DataSource,
  requestId: string,
  state: RequestState,
  text: string,
): Promise<void> {
  await warehouse
    .getRepository(requestEntity)
    .update(
      { requestId, state: 'accepted' },
      { state, answer: storableText(text), answeredAt: () => 'clock_timestamp()' },
    );
}

/** The request and what was answered so far, or undefined where `control` has not recorded it yet. */
export async function findRequest(warehouse: DataSource, requestId: string): Promise<RequestRow | undefined> {
  return (await warehouse.getRepository(requestEntity).findOneBy({ requestId })) ?? undefined;
}

/** Those of the requests that control is done with. */
export async function answeredAmong(
  warehouse: DataSource,
  requestIds: readonly string[],
): Promise<Set<string>> {
  const rows = await warehouse.query<{ id: string }[]>(
    `select request_id as id from nighttrain.request where request_id = any($1) and state <> 'accepted'`,
    [requestIds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Whether control is done with a request. */
export function isAnswered(state: RequestState): boolean {
  return state !== 'accepted';
}
