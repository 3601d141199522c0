import { describe } from '../../rules/errors.ts';
import { sqlStateOf } from '../../warehouse/failure.ts';
import { announce, archiveOne, type AlarmParts } from './announce.ts';
import { inTime } from '../in-time.ts';
import type { Spool } from './spool.ts';

/** One call takes over so many; the next sweep goes on. */
const DRAINED_AT_ONCE = 2_000;

/**
 * Takes over what waits in the spool, each finding once, however many do it at once; answers how many it archived.
 * Where PostgreSQL does not take one, the others wait with it.
 */
export async function drain(parts: AlarmParts, spool: Spool): Promise<number> {
  const { log } = parts;
  let taken = 0;
  for (const file of (await spool.waiting()).slice(0, DRAINED_AT_ONCE)) {
    try {
      if (await takeOver(parts, spool, file)) taken += 1;
    } catch (error) {
      if (!isHopeless(error)) {
        log.warn({ error: describe(error), taken }, 'the archive takes nothing from the spool for now');
        return taken;
      }
      await spool.setAside(file);
      log.error({ file, error: describe(error) }, 'a file of the spool is set aside: no archive can take it');
    }
  }
  if (taken > 0) log.info({ taken }, 'taken over from the spool');
  return taken;
}

async function takeOver(parts: AlarmParts, spool: Spool, file: string): Promise<boolean> {
  const spooled = await spool.read(file);
  if (!spooled) return false;
  const { occurrence, foundAt, finding, seen, overAt } = spooled;
  const waiting = { foundAt: new Date(foundAt), isOver: overAt !== undefined, seen };
  const archived = await inTime(() => archiveOne(parts, finding, { occurrence, waiting }));
  await spool.drop(file); // a crash before this: the archive knows the occurrence, and takes it once
  if (archived) await announce(parts, finding, archived);
  return archived !== undefined;
}

/** It is no finding, or PostgreSQL says that it is none: a table that is missing, or a disk that is full, may pass. */
function isHopeless(error: unknown): boolean {
  return error instanceof SyntaxError || /^2[23]/.test(sqlStateOf(error) ?? '');
}
