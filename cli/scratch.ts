import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLandingFolder } from '../intake/landing-folder.ts';
import type { LandingStore } from '../intake/landing.ts';

/** A landing store for the time of a command. */
export async function withScratch<T>(work: (scratch: LandingStore) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'nighttrain-scratch-'));
  try {
    return await work(openLandingFolder(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
