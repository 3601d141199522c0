import type { ReplayInput } from './attempt.ts';
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
  /** What landed before instead of what the source says now (R10). */
  readonly input: ReplayInput;
  /** The release of rejected rows that the replay carries out, by its id; from landing alone. */
  readonly release?: string;
}

const LONGEST_TEXT = 500;

/** What an operator asks of `control` by the signal `coldReboot` (§3). */
export interface RebootRequest {
  readonly requestId: string;
  readonly requestedBy: string;
  readonly reason: string;
  /** Replay the last business day of each dataset when all is quiet. */
  readonly replayLast: boolean;
}

/**
 * The request in a signal's payload, or a sentence saying why it is none. Whatever was sent, this never throws:
 * in a workflow that would fail the task for ever.
 * @param fallbackId the request's id where the payload names none
 */
export function parseReplayRequest(payload: unknown, fallbackId: string): ReplayRequest | string {
  const fields = fieldsOf(
    payload,
    ['dataset', 'businessDate', 'requestedBy', 'reason'],
    ['takeOver', 'input', 'release'],
  );
  if (typeof fields === 'string') return fields;
  const {
    requestId = fallbackId,
    dataset,
    businessDate,
    requestedBy,
    reason,
    takeOver = false,
    input = 'source',
    release,
  } = fields;
  if (!isRequestId(requestId)) return REQUEST_ID_FORM;
  if (typeof takeOver !== 'boolean') return 'takeOver must be true or false';
  if (input !== 'source' && input !== 'landing') return "input must be 'source' or 'landing'";
  if (release !== undefined && !isRequestId(release)) return 'release must be [A-Za-z0-9_.:-]{1,100}';
  if (release !== undefined && input !== 'landing')
    return "a release replays from landing: input must be 'landing'";
  const date = parseBusinessDate(businessDate as string);
  if (!date) return `businessDate '${(businessDate as string).slice(0, 40)}' is not a day YYYY-MM-DD`;
  return {
    requestId,
    dataset: dataset as string,
    businessDate: date,
    requestedBy: requestedBy as string,
    reason: reason as string,
    takeOver,
    input,
    ...(release !== undefined && { release }),
  };
}

/** The same for `coldReboot`. */
export function parseRebootRequest(payload: unknown, fallbackId: string): RebootRequest | string {
  const fields = fieldsOf(payload, ['requestedBy', 'reason'], ['replayLast']);
  if (typeof fields === 'string') return fields;
  const { requestId = fallbackId, requestedBy, reason, replayLast = false } = fields;
  if (!isRequestId(requestId)) return REQUEST_ID_FORM;
  if (typeof replayLast !== 'boolean') return 'replayLast must be true or false';
  return { requestId, requestedBy: requestedBy as string, reason: reason as string, replayLast };
}

const REQUEST_ID_FORM = 'requestId must be [A-Za-z0-9_.:-]{1,100}';

/** Whether a request may be known by this. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:-]{1,100}$/.test(value);
}

/** A payload's fields, where all of `texts` are texts and nothing but those, `others` and requestId is there. */
function fieldsOf(
  payload: unknown,
  texts: readonly string[],
  others: readonly string[],
): Record<string, unknown> | string {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    return 'the payload is no JSON object';
  const fields = payload as Record<string, unknown>;
  for (const name of texts) {
    const value = fields[name];
    if (typeof value !== 'string' || value.trim() === '') return `${name} must be a text`;
    if (value.includes('\0')) return `${name} holds a NUL character`;
    if (value.length > LONGEST_TEXT) return `${name} is longer than ${LONGEST_TEXT} characters`;
  }
  const known = new Set(['requestId', ...texts, ...others]);
  const unknown = Object.keys(fields).filter((name) => !known.has(name));
  if (unknown.length > 0) return `unknown field ${unknown.slice(0, 5).join(', ').slice(0, LONGEST_TEXT)}`;
  return fields;
}

/** A payload cut to what a request row may hold. */
export function shortened(payload: unknown): unknown {
  const text = JSON.stringify(payload) ?? 'undefined';
  return text.length <= 4_000 ? payload : { cut: text.slice(0, 4_000), characters: text.length };
}
