import { isZombie, loadSessions } from '../warehouse/stale.ts';
import type { Deps } from './deps.ts';

/** Ends sessions whose epoch is no longer current; the fence keeps them from committing meanwhile (R6). */
export async function endZombies({ warehouse, eviction, log }: Deps): Promise<number> {
  const zombies = (await loadSessions(warehouse)).filter(isZombie);
  for (const zombie of zombies) {
    await eviction.end(zombie);
    const { dataset, businessDate, epoch, currentEpoch, since } = zombie;
    log.warn({ dataset, businessDate, epoch, currentEpoch, since }, 'zombie evicted');
  }
  return zombies.length;
}
