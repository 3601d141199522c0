import { EntitySchema } from 'typeorm';
import type { BusinessDate } from '../../rules/business-date.ts';
import type { RequestState } from '../../rules/request.ts';

/** What an operator asked for, and what the answer was. */
export interface RequestRow {
  requestId: string;
  kind: string;
  dataset: string | null;
  businessDate: BusinessDate | null;
  requestedBy: string;
  reason: string;
  payload: unknown;
  state: RequestState;
  answer: string;
  receivedAt: Date;
  answeredAt: Date | null;
}

export const requestEntity = new EntitySchema<RequestRow>({
  name: 'request',
  tableName: 'request',
  schema: 'nighttrain',
  columns: {
    requestId: { type: 'text', name: 'request_id', primary: true },
    kind: { type: 'text' },
    dataset: { type: 'text', nullable: true },
    businessDate: { type: 'date', name: 'business_date', nullable: true },
    requestedBy: { type: 'text', name: 'requested_by' },
    reason: { type: 'text' },
    payload: { type: 'jsonb' },
    state: { type: 'text' },
    answer: { type: 'text' },
    receivedAt: { type: 'timestamptz', name: 'received_at', insert: false, update: false },
    answeredAt: { type: 'timestamptz', name: 'answered_at', nullable: true },
  },
});
