import { isRefused, type DatasetUnderFire, type Version } from './day.ts';
import type { Fault } from './fault.ts';
import { Chance } from './random.ts';
import { AREAS, REPERTOIRE } from './repertoire.ts';
import type { Sabotage } from './sabotage.ts';
import type { Moment } from './scene.ts';

/** What a seed chooses. */
export interface Choice {
  readonly seed: number;
  readonly fault: Fault;
  readonly moment: Moment | undefined;
  readonly dataset: DatasetUnderFire;
  readonly before: Version | undefined;
  readonly wanted: Version;
  readonly later: Version;
  /** For what is decided on the way. */
  readonly chance: Chance;
}

/** Narrows what may be chosen. */
export interface Aim {
  readonly fault?: string | undefined;
  readonly moment?: Moment | undefined;
  readonly dataset?: DatasetUnderFire | undefined;
}

/** The fault that shows at once that a mechanism is missing. */
export const AIM_AT: Readonly<Record<Sabotage, Aim>> = {
  R1: { fault: 'slow-link', dataset: 'fares' },
  R2: { fault: 'rejects-above-the-limit' },
  R4: { fault: 'rejects-at-the-limit' },
  R6: { fault: 'commit-held-and-delivered-after-take-over' },
  R7: { fault: 'error-swallowed-before-commit' },
  R8: { fault: 'connection-cut', moment: 'COMMIT' },
  R9: { fault: 'kill-9', moment: 'READ BACK' },
};

const DATASETS: readonly DatasetUnderFire[] = ['fares', 'clients', 'freight-movements'];

const TOO_BAD = { good: 60, bad: 40 };

/** Some nights are to be refused whatever strikes them: so R2 is under fire at every step, not by faults of its own. */
function isTooBad(seed: number, dataset: DatasetUnderFire): boolean {
  return dataset !== 'freight-movements' && new Chance(~seed).isSo(20);
}

/** The same seed and aim choose the same. */
export function choose(seed: number, aim: Aim = {}): Choice {
  const chance = new Chance(seed);
  const fault = aim.fault === undefined ? chance.of(chance.of(AREAS)) : faultNamed(aim.fault);
  const moment = aim.moment ?? (fault.moments ? chance.of(fault.moments) : undefined);
  const dataset = aim.dataset ?? chance.of(fault.datasets ?? DATASETS);
  const wanted: Version = {
    ...soundVersion(chance, dataset, chance.between(2, 9)),
    ...(aim.fault === undefined && isTooBad(seed, dataset) && TOO_BAD),
    ...fault.shape?.(chance),
  };
  // A merge leaves in place what a version does not name: to be told apart, its versions name the same rows.
  const good = isRefused(wanted) ? 40 : wanted.good;
  const alike = dataset === 'clients' ? good : undefined;
  const hasBefore = chance.isSo(40) && !fault.begin; // whoever begins the day loads it for the first time
  const before = hasBefore ? soundVersion(chance, dataset, 1, alike) : undefined;
  const later = soundVersion(chance, dataset, chance.between(11, 19), alike);
  return { seed, fault, moment, dataset, before, wanted, later, chance };
}

/** @throws where there is no such fault, naming those that there are */
function faultNamed(name: string): Fault {
  const fault = REPERTOIRE.find((one) => one.name === name);
  if (fault) return fault;
  throw new Error(`There is no fault '${name}'. There are: ${REPERTOIRE.map((one) => one.name).join(', ')}`);
}

function soundVersion(
  chance: Chance,
  dataset: DatasetUnderFire,
  mark: number,
  good = chance.between(20, 300),
): Version {
  const isFile = dataset !== 'freight-movements';
  return {
    good,
    bad: isFile ? chance.between(0, Math.floor(good / 4)) : 0,
    otherDay: dataset === 'fares' ? chance.between(0, 10) : 0,
    mark,
    parts: isFile ? chance.between(1, 3) : 1,
  };
}
