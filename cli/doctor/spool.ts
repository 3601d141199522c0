import { join } from 'node:path';
import { Spool } from '../../alerting/alarm/spool.ts';
import type { Config } from '../../worker/config.ts';
import { ok, warn, type Finding } from './finding.ts';

/** A worker empties the spool every minute; what lies there for longer, no worker of this home sees. */
const LONGEST_WAIT_MS = 3 * 60_000;
const SHOWN = 3;

/** Whether findings wait that nobody takes over, and what is in a file that nobody can. */
export async function checkSpool({ home }: Pick<Config, 'home'>): Promise<readonly Finding[]> {
  const folder = join(home, 'spool');
  const { waiting, oldestMs, broken } = await new Spool(folder).figures();
  const findings = waiting === 1 ? '1 finding waits' : `${waiting} findings wait`;
  const minutes = Math.floor(oldestMs / 60_000);
  const waits =
    oldestMs > LONGEST_WAIT_MS
      ? warn(
          'spool',
          `${findings} in ${folder}, for ${minutes} min: nobody takes them over`,
          'Start a worker with this very NIGHTTRAIN_HOME: npx nighttrain worker',
        )
      : ok('spool', findings);
  if (broken.length === 0) return [waits];
  const shown = broken.slice(0, SHOWN).join(', ');
  const more = broken.length > SHOWN ? `, and ${broken.length - SHOWN} more` : '';
  return [
    waits,
    warn(
      'spool',
      `${broken.length} of its files could not be taken over: ${shown}${more}`,
      `Read what they say, then remove them: ${folder}`,
    ),
  ];
}
