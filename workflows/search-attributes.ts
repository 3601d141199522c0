import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import type { AttemptState } from '../rules/attempt.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';

const dataset = defineSearchAttributeKey('NightTrainDataset', SearchAttributeType.KEYWORD);
const businessDate = defineSearchAttributeKey('NightTrainBusinessDate', SearchAttributeType.KEYWORD);
const state = defineSearchAttributeKey('NightTrainState', SearchAttributeType.KEYWORD);

/** Every search attribute that a namespace must know. */
export const SEARCH_ATTRIBUTES = [dataset, businessDate, state];

export type WorkflowState = AttemptState | 'waiting';

/** Makes Temporal's own UI answer by day. */
export function dayIs(day: DatasetDay): SearchAttributePair[] {
  return [
    { key: dataset, value: day.dataset },
    { key: businessDate, value: day.businessDate },
  ];
}

export function stateIs(value: WorkflowState): SearchAttributePair[] {
  return [{ key: state, value }];
}
