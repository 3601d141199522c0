import type { Finding } from '../rules/alert.ts';
import { dayLabel } from '../rules/dataset-day.ts';
import { isZombie, loadSessions, type LoadSessionState } from '../warehouse/stale.ts';
import type { Deps } from './deps.ts';
import { inTurn } from './in-turn.ts';

/** Ends sessions whose epoch is no longer current; the fence keeps them from committing meanwhile (R6). */
export async function endZombies({ warehouse, eviction, alarm, log }: Deps): Promise<number> {
  const zombies = (await loadSessions(warehouse)).filter(isZombie);
  const findings = zombies.map(findingOf);
  // Told of first: one that does not go away fails the sweep.
  for (const finding of findings) await alarm.raise(finding);
  const evict = async (zombie: LoadSessionState) => {
    await eviction.end(zombie);
    const { dataset, businessDate, epoch, currentEpoch, since } = zombie;
    log.warn({ dataset, businessDate, epoch, currentEpoch, since }, 'zombie evicted');
  };
  await inTurn(zombies, evict, log);
  await alarm.resolveOthers('zombie-run', findings, 'Its session is gone');
  return zombies.length;
}

function findingOf(zombie: LoadSessionState): Finding {
  const { dataset, businessDate, epoch, currentEpoch, since, doing, pid } = zombie;
  const owner = currentEpoch === null ? 'nobody took over' : `belongs to epoch ${currentEpoch}`;
  return {
    rule: 'zombie-run',
    dataset,
    businessDate,
    subject: `epoch ${epoch}`,
    sentence: `A session of epoch ${epoch} was still at ${dayLabel(zombie)}, which ${owner}: it cannot commit, and is ended`,
    facts: { number: `epoch ${epoch}`, currentEpoch, since, doing, pid },
  };
}
