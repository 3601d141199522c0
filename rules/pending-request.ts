import { isRequestId, shortened } from './replay-request.ts';

/** A signal as `control` received it, until it is answered (§3). */
export interface PendingRequest {
  /** The signal's name. */
  readonly kind: string;
  /** Cut to what a request row may hold. */
  readonly payload: unknown;
  /** Identifies a request whose payload names no id. */
  readonly arrivalId: string;
  /** How often `control` has been started anew without having answered it. */
  readonly restarts?: number;
}

/** Of what one run of `control` hands to the next: a payload over 2 MB would fail its task for ever (R14). */
export const MOST_CARRIED_BYTES = 1_200_000;

/**
 * A signal to `control`. Its id follows from its place in the run's history, so that whoever reads that history knows
 * which of its signals are answered.
 * @param ordinal which of the run's signals it is
 */
export function arrivedRequest(
  kind: string,
  payloads: readonly unknown[],
  { runId, ordinal }: { readonly runId: string; readonly ordinal: number },
): PendingRequest {
  const payload = kind === 'replayDay' || kind === 'coldReboot' ? payloads[0] : payloads;
  return { kind, payload: shortened(payload), arrivalId: `${runId}:${ordinal}` };
}

/**
 * What a run of `control` was started with. That may be anything, for anybody can start it: what is no request becomes
 * one that will be refused.
 */
export function carriedRequests(carried: unknown, runId: string): PendingRequest[] {
  if (carried === undefined || carried === null) return [];
  const items: readonly unknown[] = Array.isArray(carried) ? carried : [carried];
  return items.map((item, index) =>
    isPendingRequest(item)
      ? item
      : { kind: 'carriedOver', payload: shortened(item), arrivalId: `${runId}:carried:${index}` },
  );
}

function isPendingRequest(item: unknown): item is PendingRequest {
  if (typeof item !== 'object' || item === null) return false;
  const { kind, arrivalId, restarts = 0 } = item as Partial<Record<keyof PendingRequest, unknown>>;
  return typeof kind === 'string' && isRequestId(arrivalId) && Number.isInteger(restarts);
}

/** By what a request is known: the id that its payload names, where that is one. */
export function requestIdOf({ payload, arrivalId }: PendingRequest): string {
  const fields = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
  return isRequestId(fields['requestId']) ? fields['requestId'] : arrivalId;
}

/** As JSON, in a list of others. */
export function bytesOf(request: PendingRequest): number {
  return new TextEncoder().encode(JSON.stringify(request)).length + 1;
}
