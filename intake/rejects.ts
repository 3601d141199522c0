import { createInterface } from 'node:readline';
import type { LandingStore } from './landing.ts';
import type { RejectedRecord } from './manifest.ts';

/** The records of a rejects file, as `stagePart` wrote them: one JSON document a line. */
export async function* readRejects(landing: LandingStore, key: string): AsyncGenerator<RejectedRecord> {
  const lines = createInterface({ input: landing.read(key), crlfDelay: Infinity });
  for await (const line of lines) yield JSON.parse(line) as RejectedRecord;
}
