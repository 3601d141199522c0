import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { IntakeContext, Progress } from '../../intake/context.ts';
import { openLandingFolder } from '../../intake/landing-folder.ts';
import type { LandingStore } from '../../intake/landing.ts';
import { parseBusinessDate, type BusinessDate } from '../../rules/business-date.ts';
import { NightTrainError } from '../../rules/errors.ts';

/** A business date, or the test is wrong. */
export function dayOf(text: string): BusinessDate {
  const date = parseBusinessDate(text);
  if (!date) throw new Error(`${text} is no day`);
  return date;
}

/** Everything an intake step is handed, in a temporary folder of the test's own. */
export interface IntakeHouse {
  readonly root: string;
  readonly landing: LandingStore;
  readonly inbox: string;
  readonly context: IntakeContext;
  readonly told: Progress[];
  readonly abort: AbortController;
  /** Puts a file below the inbox. */
  readonly put: (name: string, content: string | Uint8Array) => Promise<string>;
}

export async function openIntake(variables: Readonly<Record<string, string>> = {}): Promise<IntakeHouse> {
  const root = await mkdtemp(path.join(tmpdir(), 'nighttrain-intake-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const landing = openLandingFolder(path.join(root, 'landing'));
  const inbox = path.join(root, 'inbox');
  const abort = new AbortController();
  const told: Progress[] = [];
  const context: IntakeContext = {
    landing,
    inbox,
    env: (name) => variables[name],
    signal: abort.signal,
    progress: (progress) => void told.push(progress),
  };
  const put = async (name: string, content: string | Uint8Array) => {
    const file = path.join(inbox, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  };
  return { root, landing, inbox, context, told, abort, put };
}

/** The named error that the work ends with, or the test fails. */
export async function refusalOf(work: Promise<unknown>): Promise<NightTrainError> {
  const error = await work.then(
    () => new Error('it was done'),
    (cause: unknown) => cause,
  );
  if (error instanceof NightTrainError) return error;
  throw error;
}

/** A text that matches, inside of an expected object. */
export const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

/** A text that holds another, inside of an expected object. */
export const containing = (text: string): unknown => expect.stringContaining(text);

/**
 * Milliseconds of processor time that this process has had. Bounds on work are set in these: a machine with other
 * things to do makes any wall clock late.
 */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Repeats a look until it is true, or fails at the deadline. */
export async function until(isSo: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  for (const end = performance.now() + deadlineMs; !(await isSo());) {
    if (performance.now() > end) throw new Error('It did not come to pass in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
