import type { WorkflowHandle } from '@temporalio/client';
import type { Chance } from './random.ts';
import type { Day, DatasetUnderFire, Version } from './day.ts';
import type { Arrival, Moment, Scene } from './scene.ts';

/** A night that is struck. */
export interface Night {
  readonly day: Day;
  /** What readers see before, if anything. */
  readonly before: Version | undefined;
  /** What must be loaded in the end. */
  readonly wanted: Version;
  /** What the operator puts in its place where the fault makes him replay; loaded instead. */
  readonly later: Version;
  readonly chance: Chance;
}

/** Something that goes wrong, and how it is put right again. */
export interface Fault {
  readonly name: string;
  /** When it can strike; without any it has struck before the night begins. */
  readonly moments?: readonly Moment[];
  /** Of these it can be told; by default of all. */
  readonly datasets?: readonly DatasetUnderFire[];
  /** It takes an engine down: no other night may be under way. */
  readonly isExclusive?: boolean;
  /** A worker's log shows it where it has struck. */
  readonly shows?: RegExp;
  /** The day that it needs, the nth of its scene: another one each time. */
  date?(nth: number): string;
  /** Starts the night for the first time, where nobody does that by hand. */
  begin?(scene: Scene, night: Night): Promise<WorkflowHandle>;
  /** What the source holds, where that is the fault. */
  shape?(chance: Chance): Partial<Version>;
  /** Before the night begins. */
  prepare?(scene: Scene, night: Night): Promise<void>;
  /** At its moment; answers what it did, where it had a choice. */
  strike?(scene: Scene, night: Night, arrival: Arrival): Promise<string | void>;
  /** Afterwards. */
  heal?(scene: Scene, night: Night): Promise<void>;
}
