import { parseBusinessDate, type BusinessDate } from './business-date.ts';

/** What an operator asks of `control` by the signal `replayDay` (§3). */
export interface ReplayRequest {
  readonly requestId: string;
  readonly dataset: string;
  readonly businessDate: BusinessDate;
  /** A claim: Temporal checks no identity unless configured. */
  readonly requestedBy: string;
  readonly reason: string;
  /** End the run that holds the day now, and start over. */
  readonly takeOver: boolean;
}

const LONGEST_TEXT = 500;

/**
 * The request in a signal's payload, or a sentence saying why it is none. Whatever was sent, this never throws:
 * in a workflow that would fail the task for ever.
 * @param fallbackId the request's id where the payload names none
 */
export function parseReplayRequest(payload: unknown, fallbackId: string): ReplayRequest | string {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    return 'the payload is no JSON object';
  const fields = payload as Record<string, unknown>;
  for (const name of ['dataset', 'businessDate', 'requestedBy', 'reason']) {
    const value = fields[name];
    if (typeof value !== 'string' || value.trim() === '') return `${name} must be a text`;
    if (value.length > LONGEST_TEXT) return `${name} is longer than ${LONGEST_TEXT} characters`;
  }
  const {
    requestId = fallbackId,
    dataset,
    businessDate,
    requestedBy,
    reason,
    takeOver = false,
    ...rest
  } = fields;
  const unknown = Object.keys(rest);
  if (unknown.length > 0) return `unknown field ${unknown.slice(0, 5).join(', ').slice(0, LONGEST_TEXT)}`;
  if (typeof requestId !== 'string' || !/^[\w.:-]{1,100}$/.test(requestId))
    return 'requestId must be [A-Za-z0-9_.:-]{1,100}';
  if (typeof takeOver !== 'boolean') return 'takeOver must be true or false';
  const date = parseBusinessDate(businessDate as string);
  if (!date) return `businessDate '${(businessDate as string).slice(0, 40)}' is not a day YYYY-MM-DD`;
  return {
    requestId,
    dataset: dataset as string,
    businessDate: date,
    requestedBy: requestedBy as string,
    reason: reason as string,
    takeOver,
  };
}

/** A payload cut to what a request row may hold. */
export function shortened(payload: unknown): unknown {
  const text = JSON.stringify(payload) ?? 'undefined';
  return text.length <= 4_000 ? payload : { cut: text.slice(0, 4_000), characters: text.length };
}
