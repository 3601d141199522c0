import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Stands for a payload that nobody can read. */
export interface Unreadable {
  readonly unreadable: string;
}

/**
 * Temporal's own converter, but it never throws on what it is sent: a signal that is no JSON would otherwise fail
 * the workflow task for ever (§3, Control). Whoever handles the signal finds an `Unreadable` and refuses it.
 */
class ForgivingConverter implements PayloadConverter {
  toPayload<T>(value: T): Payload {
    return defaultPayloadConverter.toPayload(value);
  }

  fromPayload<T>(payload: Payload): T {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload);
    } catch (error) {
      return { unreadable: String(error).slice(0, 500) } satisfies Unreadable as T;
    }
  }
}

export const payloadConverter = new ForgivingConverter();
