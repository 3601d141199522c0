import { readUnverified } from './json-lines.ts';
import type { LandingStore } from './landing.ts';
import type { RejectedRecord } from './manifest.ts';

/** The records of a rejects file, as `stagePart` wrote them: one JSON document a line. */
export function readRejects(landing: LandingStore, key: string): AsyncGenerator<RejectedRecord> {
  return readUnverified<RejectedRecord>(landing, key);
}
