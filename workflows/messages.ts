import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { AttemptKind, Receipt, ReplayInput } from '../rules/attempt.ts';
import type { DatasetDay } from '../rules/dataset-day.ts';

/** Names that the outside relies on (§6): workflow ids, signals, queries, the task queue. */

export const TASK_QUEUE = 'nighttrain';

/**
 * A worker that is frozen swallows the workflow tasks that it was waiting for; after this long each goes to another.
 * Temporal's default of 10 s made a take-over of its day last half a minute.
 */
export const WORKFLOW_TASK_TIMEOUT = '5 s';
export const CONTROL_ID = 'nighttrain/control';

/** Of the one workflow that loads a day: two of them cannot run at once (R11). */
export function loadWorkflowId({ dataset, businessDate }: DatasetDay): string {
  return `load/${dataset}/${businessDate}`;
}

/** What `loadDay` is started with. */
export interface LoadDayRequest extends DatasetDay {
  readonly kind: AttemptKind;
  /** By default the source. */
  readonly input?: ReplayInput;
  /** The release of rejected rows that it carries out. */
  readonly release?: string;
}

/** What `loadDay` answers. */
export interface DayLoaded {
  readonly receipt: Receipt;
  /** The ledger had the day before, and nothing was done: only a replay replaces. */
  readonly alreadyLoaded: boolean;
}

/**
 * Replays one day; the payload is a `ReplayRequest` in plain JSON. The other signal that `control` knows is
 * `coldReboot`, with a `RebootRequest`: the command stops everything by itself, without a worker.
 */
export const replayDay = defineSignal<[unknown]>('replayDay');

/** A step of a running load, for whoever watches. */
export interface StepProgress {
  readonly name: 'take over' | 'extract' | 'transform' | 'load' | 'audit';
  readonly state: 'running' | 'done';
  readonly done: number;
  readonly of: number;
  /** What it has come to, where it counts such things: rows read or loaded, bytes landed. */
  readonly rows?: number;
  readonly bytes?: number;
}

export const progressQuery = defineQuery<StepProgress[]>('progress');

/** What a sweep sees to: `nights` every minute, `storage` every hour, `months` and `audits` every day. */
export interface SweepRequest {
  readonly of: 'nights' | 'storage' | 'months' | 'audits';
}

/** Of the one workflow that asks about an alert; one that fires again is asked about under the same id. */
export function escalationWorkflowId(alertId: string): string {
  return `alert/${alertId}`;
}

/** What `escalation` is started with. */
export interface EscalationRequest {
  readonly alertId: string;
}

/** How `escalation` ended: somebody answered for the alert, or it was resolved; nobody did; it was over before. */
export type EscalationEnd = 'answered' | 'exhausted' | 'nothing to ask';

/** Somebody has seen the alert; the payload is `{ by, via?, note? }` in plain JSON. */
export const acknowledge = defineSignal<[unknown]>('acknowledge');

/** The archive has news of the alert: acknowledged or resolved elsewhere, or firing again. */
export const alertChanged = defineSignal('alertChanged');

/** The archive has news of a page. */
export const deliveryChanged = defineSignal('deliveryChanged');
